"""Rows of JSON lines, JSON arrays, CSV, TSV and Parquet files; broken rows go into quarantine, the others are read.

Python's json and csv and pyarrow do the reading. pandas, datasets and datatrove's readers stop at a broken row, or drop
it silently; pandas also reads the words "NA" and "null" as nothing.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llimba.manifest import Json
from llimba.stages.sources import bounded
from llimba.stages.sources.bounded import File
from llimba.stages.sources.intake import Intake

TABLES = (".jsonl", ".csv", ".tsv", ".parquet")
BATCH = 256  # rows of a Parquet file that are held


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written, where its name does not say it."""

    names: tuple[str, ...] = ()  # csv, tsv without a header line: the columns
    separator: str = ""  # csv, tsv: empty: a comma, or a tab after .tsv
    quote: str | None = None  # csv, tsv: "" for none; None: none between tabs, else "
    skipped_lines: int = 0  # csv, tsv: before the header or the first row
    field: str = ""  # json: the key that holds the rows, in a file that is one object


USUAL = Dialect()


def rows(path: File, intake: Intake, dialect: Dialect = USUAL) -> Iterator[tuple[int, Json]]:
    """(number, row) of every row that can be read; the others, and the rest of a broken file, go into quarantine."""
    kind = bounded.kind_of(path)
    if kind == ".parquet":
        return _parquet(path, intake)
    if kind in (".csv", ".tsv"):
        return _table(path, kind == ".tsv", intake, dialect)
    if kind == ".json" and (dialect.field or _is_array(path)):
        return _document(path, intake, dialect.field)
    return _lines(path, intake)


def _lines(path: File, intake: Intake) -> Iterator[tuple[int, Json]]:
    for number, line in bounded.lines(path, intake):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            intake.quarantine(str(path), f"line {number}", f"not valid JSON: {error}", line)
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            intake.quarantine(str(path), f"line {number}", f"not a JSON object: {type(row).__name__}", line)


def _is_array(path: File) -> bool:
    try:
        with bounded.Bounded(path) as stream:
            return stream.read(2**10).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    except bounded.broken():
        return False  # whoever reads it says what is wrong


def _document(path: File, intake: Intake, field: str) -> Iterator[tuple[int, Json]]:
    """The objects of one array: the file itself, or what its `field` holds."""
    try:
        held = json.loads(bounded.text_of(bounded.whole(path)))
    except RecursionError:
        intake.quarantine(str(path), "", "not valid JSON: nested too deeply")
        return
    except bounded.broken() as error:
        what = f"not valid JSON: {error}" if isinstance(error, json.JSONDecodeError) else bounded.reason_of(error)
        intake.quarantine(str(path), "", what)
        return
    found = held.get(field) if field and isinstance(held, dict) else held
    if not isinstance(found, list):
        what = f"'{field}' holds no array of rows" if field else "it holds no array of rows"
        intake.quarantine(str(path), "", f"not an array: {what}")
        return
    for number, row in enumerate(found, 1):
        if isinstance(row, dict):
            yield number, row
        else:
            reason = f"not a JSON object: {type(row).__name__}"
            intake.quarantine(str(path), f"row {number}", reason, json.dumps(row, ensure_ascii=False))


def _table(path: File, tabs: bool, intake: Intake, dialect: Dialect) -> Iterator[tuple[int, Json]]:
    """Rows under a header line, or with the names given. Tabs separate without quotes, as in the field's TSV."""
    text = (f"{line}\n" for number, line in bounded.lines(path, intake) if number > dialect.skipped_lines)
    csv.field_size_limit(bounded.LINE_BYTES)
    quote = dialect.quote if dialect.quote is not None else "" if tabs else '"'
    reader = csv.DictReader(
        text,
        dialect.names or None,
        delimiter=dialect.separator or ("\t" if tabs else ","),
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        quotechar=quote or None,
    )
    try:
        for row in reader:
            number = reader.line_num + dialect.skipped_lines
            if None in row or None in row.values():
                expected = "the names given" if dialect.names else "the header"
                reason = f"another number of fields than {expected}: {', '.join(map(str, reader.fieldnames or []))}"
                intake.quarantine(str(path), f"line {number}", reason, str(list(row.values())))
                continue
            yield number, row
    except csv.Error as error:
        intake.quarantine(str(path), f"after line {reader.line_num}", f"broken table: {error}")


def _parquet(path: File, intake: Intake) -> Iterator[tuple[int, Json]]:
    """Row group by row group, so that a broken one costs itself."""
    import pyarrow
    from pyarrow import parquet

    broken, number = (pyarrow.ArrowException, OSError, ValueError), 0
    try:
        with path.open("rb") as handle, parquet.ParquetFile(handle) as file:
            for group in range(file.num_row_groups):
                first = number
                try:
                    for batch in file.iter_batches(batch_size=BATCH, row_groups=[group]):
                        for row in _held(batch, path, number, intake):
                            number += 1
                            if row is not None:
                                yield number, row
                except broken as error:
                    lost = first + file.metadata.row_group(group).num_rows - number
                    reason = f"broken file: {lost:,} rows: {type(error).__name__}: {str(error)[:200]}"
                    intake.quarantine(str(path), f"after row {number}", reason)
                    number += lost
    except broken as error:
        intake.quarantine(str(path), f"after row {number}", f"broken file: {type(error).__name__}: {str(error)[:200]}")


def _held(batch: Any, path: File, before: int, intake: Intake) -> Iterator[Json | None]:
    """The rows of a pyarrow record batch; None for one that is broken, e.g. text that is not UTF-8."""
    try:
        held: list[Json] = batch.to_pylist()
    except (ValueError, OSError):
        held = []
    if held:
        yield from held
        return
    for place in range(batch.num_rows):
        try:
            (row,) = batch.slice(place, 1).to_pylist()
        except (ValueError, OSError) as error:
            intake.quarantine(str(path), f"row {before + place + 1}", f"broken row: {type(error).__name__}: {error}")
            row = None
        yield row
