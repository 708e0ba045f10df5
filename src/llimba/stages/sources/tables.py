"""Rows of JSONL, CSV, TSV and Parquet files; broken rows go into quarantine, the others are read.

Python's json and csv and pyarrow do the reading. pandas and datatrove's readers stop at a broken row, or drop it
silently.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from llimba.manifest import Json
from llimba.stages.sources import bounded
from llimba.stages.sources.intake import Intake

TABLES = (".jsonl", ".csv", ".tsv", ".parquet")


def rows(path: Path, intake: Intake) -> Iterator[tuple[int, Json]]:
    """(number, row) of every row that can be read; the others, and the rest of a broken file, go into quarantine."""
    kind = bounded.kind_of(path)
    if kind == ".parquet":
        yield from _parquet(path, intake)
    elif kind in (".csv", ".tsv"):
        yield from _table(path, kind == ".tsv", intake)
    else:
        for number, line in bounded.lines(path, intake):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                intake.quarantine(path, f"line {number}", f"not valid JSON: {error}", line)
                continue
            if isinstance(row, dict):
                yield number, row
            else:
                intake.quarantine(path, f"line {number}", f"not a JSON object: {type(row).__name__}", line)


def _table(path: Path, tabs: bool, intake: Intake) -> Iterator[tuple[int, Json]]:
    """Rows under a header line. Tabs separate without quotes, as in the field's TSV; commas with them."""
    text = (f"{line}\n" for _, line in bounded.lines(path, intake))
    csv.field_size_limit(bounded.LINE_BYTES)
    reader = csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.DictReader(text)
    try:
        for row in reader:
            if None in row or None in row.values():
                reason = f"another number of fields than the header: {', '.join(map(str, reader.fieldnames or []))}"
                intake.quarantine(path, f"line {reader.line_num}", reason, str(list(row.values())))
                continue
            yield reader.line_num, row
    except csv.Error as error:
        intake.quarantine(path, f"after line {reader.line_num}", f"broken table: {error}")


def _parquet(path: Path, intake: Intake) -> Iterator[tuple[int, Json]]:
    import pyarrow
    from pyarrow import parquet

    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        intake.quarantine(path, f"after row {number}", f"broken file: {type(error).__name__}: {str(error)[:200]}")
