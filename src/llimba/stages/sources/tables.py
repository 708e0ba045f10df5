"""Rows of JSON, CSV, TSV and Parquet files; a broken row goes into quarantine alone, the others are read.

In = out + quarantine, in rows. Python's json and csv and pyarrow do the reading, with a reader around each that finds
the next row after a broken one. pandas and datatrove's readers stop at a broken row, or drop it silently.
"""

from collections.abc import Iterator

from llimba.manifest import Json
from llimba.stages.sources import bounded, delimited, json_rows, parquet
from llimba.stages.sources.bounded import File
from llimba.stages.sources.columns import USUAL, Columns, Dialect
from llimba.stages.sources.intake import Intake

JSON_LINES, DELIMITED = (".jsonl", ".ndjson"), (".csv", ".tsv")
__all__ = ["TABLES", "USUAL", "Dialect", "rows", "with_columns"]

ANY = Columns()  # rows as they are
TABLES = (*JSON_LINES, ".json", *DELIMITED, ".parquet")


def rows(path: File, intake: Intake, dialect: Dialect = USUAL, columns: Columns = ANY) -> Iterator[tuple[int, Json]]:
    """(number, row) of every row that can be read and has the columns; the others go into quarantine.

    Raises `StageError` where `columns.key` says that the recipe names the file, and no row has the columns.
    """
    kind = bounded.kind_of(path)
    if kind == ".parquet":
        yield from parquet.rows(path, columns, intake)
    elif kind in DELIMITED:
        yield from delimited.rows(path, kind == ".tsv", dialect, columns, intake)
    else:
        read = json_rows.whole(path, intake, dialect.field) if kind == ".json" else json_rows.lines(path, intake)
        yield from with_columns(read, path, intake, columns)


def with_columns(
    read: Iterator[tuple[int, Json]], path: File, intake: Intake, columns: Columns
) -> Iterator[tuple[int, Json]]:
    """The rows that have the columns, where each row says its own; raises as `rows` does."""
    first, found = None, False
    for number, row in read:
        if missing := columns.missing(row):
            first = first or (missing, row)
            intake.quarantine(path, f"row {number}", columns.reason(missing, row))
            continue
        found = True
        yield number, row
    if first is not None and not found and columns.key:
        raise columns.absent(path, *first)
