"""Aligned rows of any format: JSON, TSV and CSV, Parquet, TMX, a FLORES folder, or one file per language."""

import glob
import json
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

from llimba.errors import StageError
from llimba.package_names import pattern_fault
from llimba.recipe import ParallelSource
from llimba.stages.sources import bounded, tables, tmx
from llimba.stages.sources.cells import fault_of, identifier_of, text_of
from llimba.stages.sources.columns import Columns, Dialect
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.taken import Taken
from llimba.stages.sources.unsafe import Unsafe

TMX = ".tmx"
KINDS = (*tables.TABLES, TMX)
Row = tuple[str, dict[str, str]]  # its place, and its cells by column


def rows(source: ParallelSource, intake: Intake) -> Iterator[Row]:
    """(place, cells) of every row, the columns under our language codes and `source.id`; one at a time.

    A broken row goes into quarantine; a column that no row has is a `StageError` that names the file.
    """
    columns = {code: source.columns.get(code, code) for code in dict.fromkeys([*source.pairs, *source.documents])}
    if source.files:
        yield from _side_by_side("files", source.files, intake)
        return
    path = source.path
    assert path is not None
    bounded.existing(intake.key("path"), path)
    if path.is_dir():
        folder = {code: _flores(path, str(stem), intake) for code, stem in columns.items()}
        yield from _side_by_side("path", folder, intake)
        return
    bounded.files_of(path, KINDS, intake)
    asked = Columns(tuple(columns.values()), intake.key("columns"))
    if bounded.kind_of(path) == TMX:
        if asked.numbered:
            raise StageError(
                f"{intake.key('columns')}: {path} has languages, not columns: name them, e.g. {{sc: srd}}."
            )
        read = tmx.units(path, {code: str(column) for code, column in columns.items()}, intake)
    else:
        read = tables.rows(path, intake, Dialect(names=tuple(source.names)), asked)
    before, given = intake.quarantined.total(), 0
    for number, row in read:
        try:
            cells = {code: text_of(row[str(column)], str(column)).strip() for code, column in columns.items()}
            if source.id in row:
                cells[source.id] = identifier_of(row[source.id], number)
        except Unsafe as error:
            intake.quarantine(path, f"row {number}", str(error), json.dumps(row, default=str))
            continue
        given += 1
        yield f"{path.name}:{number}", cells
    lost = intake.quarantined.total() - before
    intake.took(Taken(path.name, bounded.kind_of(path)[1:], given, given + lost, "rows"))


def _flores(folder: Path, stem: str, intake: Intake) -> Path:
    """The one file of a language in a FLORES folder, e.g. `devtest/srd_Latn.devtest`."""
    if fault := pattern_fault(stem):
        raise StageError(f"{intake.key('columns')}: {fault.replace('the package', 'the folder')}.")
    found = sorted(folder.glob(f"{glob.escape(stem)}.*"))
    if len(found) != 1:
        raise StageError(
            f"{intake.key('path')}: {folder} holds {len(found)} files {stem}.*; one is needed. Give the folder of a "
            "split, and the languages' file names under columns, e.g. columns: {sc: srd_Latn}."
        )
    return found[0]


def _side_by_side(key: str, files: Mapping[str, Path], intake: Intake) -> Iterator[Row]:
    """Line by line; raises `StageError` where one file is longer than another, as nothing is aligned then."""
    for code, path in files.items():
        if not path.is_file():
            raise StageError(f"{intake.key(key)}.{code}: {path} does not exist. Correct the path.")
    places = ", ".join(path.name for path in files.values())
    before, given = intake.quarantined.total(), 0
    try:
        for row in zip_longest(*(bounded.raw_lines(path, intake) for path in files.values())):
            if None in row:
                short = list(files.values())[row.index(None)]
                number = next(line for line in row if line is not None)[0]
                raise StageError(
                    f"{intake.key(key)}: {short} ends before line {number}, and the others continue, so their lines do "
                    "not belong together. Correct the files."
                )
            number = row[0][0]
            try:
                cells = {code: _line(line) for code, (_, line) in zip(files, row, strict=True)}
            except Unsafe as error:
                intake.quarantine(places, f"line {number}", str(error))
                continue
            given += 1
            yield f"{places}:{number}", cells
    except bounded.broken() as error:
        intake.quarantine(places, "the rest of the files", bounded.reason_of(error), rows=bounded.rows_of(error))
    intake.took(Taken(places, "lines", given, given + intake.quarantined.total() - before, "rows"))


def _line(line: bytes | None) -> str:
    if line is None:
        raise Unsafe(bounded.too_long())
    try:
        text = line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise Unsafe(f"not UTF-8: byte {error.start} of the line") from error
    if fault := fault_of(text):
        raise Unsafe(fault)
    return text
