"""Aligned rows of any format: JSONL, TSV and CSV, TMX, a FLORES folder, or one file per language.

Python's csv and defusedxml do the reading. Why not translate-toolkit for TMX: it holds the whole file in memory.
"""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from llimba.errors import StageError
from llimba.recipe import ParallelSource
from llimba.stages.sources import bounded, tables
from llimba.stages.sources.intake import Intake

LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
MARKUP = {"bpt", "ept", "ph", "it", "ut"}  # TMX 1.4: codes of the original format
Row = tuple[str, dict[str, str]]  # its place, and its cells by column


def rows(source: ParallelSource, intake: Intake) -> Iterator[Row]:
    """(place, cells) of every row, the columns under our language codes and `source.id`; one at a time.

    A broken row goes into quarantine; a column that is not there is a `StageError` that names file and row.
    """
    columns = {code: source.columns.get(code, code) for code in dict.fromkeys([*source.pairs, *source.documents])}
    if source.files:
        yield from _side_by_side("files", source.files, intake)
        return
    path = source.path
    assert path is not None
    bounded.existing(intake.key("path"), path)
    if path.is_dir():
        yield from _side_by_side("path", {code: _flores(path, stem, intake) for code, stem in columns.items()}, intake)
        return
    read = _tmx(path, columns, intake) if bounded.kind_of(path) == ".tmx" else tables.rows(path, intake)
    for number, row in read:
        if missing := [column for column in columns.values() if column not in row]:
            raise StageError(
                f"{intake.key('pairs')}: {path}, row {number} has no column '{missing[0]}' (columns: {', '.join(row)})."
            )
        cells = {code: "" if row[column] is None else str(row[column]) for code, column in columns.items()}
        yield f"{path.name}:{number}", cells | ({source.id: str(row[source.id])} if source.id in row else {})


def _tmx(path: Path, columns: Mapping[str, str], intake: Intake) -> Iterator[tuple[int, dict[str, str]]]:
    """Translation units; a variant in `it-IT` serves for `it`. Inline markup of other formats is dropped."""
    from defusedxml.ElementTree import iterparse

    wanted = {tag.casefold(): tag for tag in columns.values()}
    root: Element | None = None
    number = 0
    try:
        with bounded.Bounded(path) as stream:
            # TMX files declare a DTD by habit; what is refused are the entities that a bomb is made of
            for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=False):
                root = element if root is None else root
                if event != "end" or element.tag != "tu":
                    continue
                row = dict.fromkeys(columns.values(), "")
                for variant in element.iter("tuv"):
                    tag = (variant.get(LANGUAGE) or variant.get("lang") or "").casefold()
                    segment = variant.find("seg")
                    column = wanted.get(tag) or wanted.get(tag.partition("-")[0])
                    if column is not None and segment is not None:
                        row[column] = " ".join(_prose(segment).split())
                number += 1
                yield number, row
                root.clear()
    except ParseError as error:
        intake.quarantine(path, f"after unit {number}", f"broken XML: {error}")
    except bounded.broken() as error:
        intake.quarantine(path, f"after unit {number}", bounded.reason_of(error))


def _prose(element: Element) -> str:
    inside = "" if element.tag in MARKUP else (element.text or "") + "".join(_prose(child) for child in element)
    return inside + ("" if element.tag == "seg" else element.tail or "")


def _flores(folder: Path, stem: str, intake: Intake) -> Path:
    """The one file of a language in a FLORES folder, e.g. `devtest/srd_Latn.devtest`."""
    found = sorted(folder.glob(f"{stem}.*"))
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
    try:
        for row in zip_longest(*(bounded.raw_lines(path) for path in files.values())):
            if None in row:
                short = list(files.values())[row.index(None)]
                number = next(line for line in row if line is not None)[0]
                raise StageError(
                    f"{intake.key(key)}: {short} ends before line {number}, and the others continue, so their lines do "
                    "not belong together. Correct the files."
                )
            number = row[0][0]
            try:
                cells = {
                    code: (line or b"").decode("utf-8-sig").strip() for code, (_, line) in zip(files, row, strict=True)
                }
            except UnicodeDecodeError as error:
                intake.quarantine(places, f"line {number}", f"not UTF-8: byte {error.start} of the line", error.object)
                continue
            yield f"{places}:{number}", cells
    except bounded.broken() as error:
        intake.quarantine(places, "the rest of the files", bounded.reason_of(error))
