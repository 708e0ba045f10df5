"""Aligned rows, whatever file they stand in: JSONL, TSV and CSV, TMX, a FLORES folder, or one file per language.

Python's csv and defusedxml do the reading. Why not translate-toolkit for TMX: it holds the whole file in memory.
"""

import csv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.recipe import ParallelSource

LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
MARKUP = {"bpt", "ept", "ph", "it", "ut"}  # TMX 1.4: codes of the original format
Row = tuple[str, dict[str, str]]  # where it stands, and its cells by column


def rows(name: str, source: ParallelSource) -> Iterator[Row]:
    """(place, cells) of every row, the columns under our language codes and `source.id`; one at a time.

    Raises `StageError` that names file, row and what is wrong with it.
    """
    columns = {code: source.columns.get(code, code) for code in dict.fromkeys([*source.pairs, *source.documents])}
    if source.files:
        yield from _side_by_side(name, "files", source.files)
        return
    path = source.path
    assert path is not None
    if not path.exists():
        raise StageError(f"sources.{name}.path: {path} does not exist. Mend the path, or remove the source.")
    if path.is_dir():
        yield from _side_by_side(name, "path", {code: _flores(name, path, stem) for code, stem in columns.items()})
        return
    readers = {".tsv": _table, ".csv": _table, ".tmx": _tmx}
    read = readers.get(path.suffix.lower(), _json)
    for number, row in enumerate(read(name, path, columns), 1):
        if missing := [column for column in columns.values() if column not in row]:
            raise StageError(
                f"sources.{name}.pairs: {path}, row {number} has no column '{missing[0]}' (columns: {', '.join(row)})."
            )
        cells = {code: row[column] or "" for code, column in columns.items()}
        yield f"{path.name}:{number}", cells | ({source.id: row[source.id]} if source.id in row else {})


def _json(name: str, path: Path, columns: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for row in read_jsonl(path):
        yield {key: "" if value is None else str(value) for key, value in row.items()}


def _table(name: str, path: Path, columns: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Rows under a header line. Tabs separate without quotes, as in the field's TSV; commas with them."""
    tabs = path.suffix.lower() == ".tsv"
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.DictReader(handle)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise StageError(
                        f"sources.{name}.path: {path}, line {reader.line_num} has another number of fields than the "
                        f"header ({', '.join(reader.fieldnames or [])}). Mend the line."
                    )
                yield row
        except (csv.Error, UnicodeDecodeError) as error:
            raise StageError(
                f"sources.{name}.path: {path}, after line {reader.line_num}: {error}. Save the file as UTF-8 text."
            ) from error


def _tmx(name: str, path: Path, columns: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Translation units; a variant in `it-IT` serves for `it`. Inline markup of other formats is dropped."""
    from defusedxml.ElementTree import iterparse

    wanted = {tag.casefold(): tag for tag in columns.values()}
    root: Element | None = None
    try:
        # TMX files declare a DTD by habit; what is refused are the entities that a bomb is made of
        for event, element in iterparse(path, events=("start", "end"), forbid_dtd=False):
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
            yield row
            root.clear()
    except (ParseError, ValueError) as error:
        raise StageError(f"sources.{name}.path: {path} is no whole TMX file ({error}).") from error


def _prose(element: Element) -> str:
    inside = "" if element.tag in MARKUP else (element.text or "") + "".join(_prose(child) for child in element)
    return inside + ("" if element.tag == "seg" else element.tail or "")


def _flores(name: str, folder: Path, stem: str) -> Path:
    """The one file of a language in a FLORES folder, e.g. `devtest/srd_Latn.devtest`."""
    found = sorted(folder.glob(f"{stem}.*"))
    if len(found) != 1:
        raise StageError(
            f"sources.{name}.path: {folder} holds {len(found)} files {stem}.*, and one is needed. Give the folder of a "
            "split, and the languages' file names under columns, e.g. columns: {sc: srd_Latn}."
        )
    return found[0]


def _side_by_side(name: str, key: str, files: Mapping[str, Path]) -> Iterator[Row]:
    """Line by line; raises `StageError` where one file is longer than another, as nothing is aligned then."""
    for code, path in files.items():
        if not path.is_file():
            raise StageError(f"sources.{name}.{key}.{code}: {path} does not exist. Mend the path.")
    with ExitStack() as stack:
        handles = [stack.enter_context(path.open(encoding="utf-8")) for path in files.values()]
        places = ", ".join(path.name for path in files.values())
        try:
            for number, lines in enumerate(zip_longest(*handles), 1):
                if None in lines:
                    short = list(files.values())[lines.index(None)]
                    raise StageError(
                        f"sources.{name}.{key}: {short} ends before line {number}, and the other files go on, so their "
                        "lines do not belong together. Mend the files."
                    )
                yield f"{places}:{number}", {code: line.strip() for code, line in zip(files, lines, strict=True)}
        except UnicodeDecodeError as error:
            raise StageError(f"sources.{name}.{key}: {places} cannot be read as UTF-8 ({error}).") from error
