"""Parquet files, row by row; a row or a row group that cannot be read goes into quarantine with its number of rows.

pyarrow reads. The datasets library and pandas, which read with it too, stop at the first fault. None of them limits
what comes out, and a value that is written once and named a million times takes a few bytes.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from llimba.manifest import Json
from llimba.stages.sources.bounded import FREE_BYTES, RATIO, File
from llimba.stages.sources.columns import Columns
from llimba.stages.sources.intake import Intake

BATCH = 256  # rows


def rows(path: File, columns: Columns, intake: Intake) -> Iterator[tuple[int, Json]]:
    """(number, row) of every row that can be read."""
    import pyarrow
    from pyarrow import parquet

    faults = (pyarrow.ArrowException, OSError, ValueError, OverflowError, TypeError, KeyError)
    try:
        handle = path.open("rb")
        file = parquet.ParquetFile(handle)
    except faults as error:
        intake.quarantine(path, "after row 0", _reason(error))
        return
    with handle, file:
        total = max(1, file.metadata.num_rows)
        try:
            names = list(file.schema_arrow.names)
        except faults as error:
            intake.quarantine(path, "", _reason(error), rows=total)
            return
        if double := [name for name, times in Counter(names).items() if times > 1]:
            intake.quarantine(path, "", f"columns of the same name: {', '.join(double)}", rows=total)
            return
        if missing := columns.missing(names):
            if columns.key:
                raise columns.absent(path, missing, names)
            intake.quarantine(path, "", columns.reason(missing, names), rows=total)
            return
        number, left = 0, max(FREE_BYTES, RATIO * path.stat().st_size)
        for group in range(file.num_row_groups):
            end = number + file.metadata.row_group(group).num_rows
            if file.metadata.row_group(group).total_byte_size > left:
                intake.quarantine(path, f"after row {number}", _bomb(path), rows=total - number)
                return
            try:
                for batch in file.iter_batches(batch_size=BATCH, row_groups=[group]):
                    for row in _rows(batch):
                        left -= _size(row)
                        if left < 0:
                            intake.quarantine(path, f"after row {number}", _bomb(path), rows=total - number)
                            return
                        number += 1
                        if isinstance(row, Exception):
                            intake.quarantine(path, f"row {number}", f"broken row: {type(row).__name__}: {row}")
                        else:
                            yield number, row
            except faults as error:
                if end > number:
                    reason = f"broken file: {end - number:,} rows: {type(error).__name__}: {str(error)[:200]}"
                    intake.quarantine(path, f"after row {number}", reason, rows=end - number)
            number = end


def _rows(batch: Any) -> list[Json | Exception]:
    """The rows of a batch, each that cannot be converted as its error."""
    faults = (ValueError, OverflowError, TypeError, KeyError)
    try:
        return list(batch.to_pylist())
    except faults:
        found: list[Json | Exception] = []
        for place in range(batch.num_rows):
            try:
                found += batch.slice(place, 1).to_pylist()
            except faults as error:
                found.append(error)
        return found


def _size(value: object) -> int:
    """Roughly the bytes of a value, whatever few of them the file has it in."""
    if isinstance(value, str | bytes):
        return len(value)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 4 + sum(map(_size, inside))


def _bomb(path: File) -> str:
    return (
        f"decompression bomb: the rows are more than {RATIO} times as large as the file ({path.stat().st_size:,} bytes)"
    )


def _reason(error: Exception) -> str:
    return f"broken file: {type(error).__name__}: {str(error)[:200]}"
