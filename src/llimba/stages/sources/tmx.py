"""TMX files, unit by unit: a broken unit goes into quarantine alone, and memory stays that of one unit.

An XML parser ends at the first fault of a file, and a control character in one unit of OPUS's files is a fault. So the
file is cut into units first, and lxml parses each. Why not translate-toolkit: it holds the whole file in memory.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from lxml import etree

from llimba.stages.sources import bounded
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.unsafe import Unsafe

LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
MARKUP = {"bpt", "ept", "ph", "it", "ut"}  # TMX 1.4: codes of the original format
BLOCK = 2**16  # bytes
UNIT = 2**20  # characters; what people align is a sentence
OPENS, CLOSES = re.compile(r"<tu(?=[\s/>])"), "</tu>"
DECLARED = re.compile(rb"""^[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
NAMESPACE = re.compile(r"""\sxmlns:[\w.-]+\s*=\s*("[^"<]*"|'[^'<]*')""")
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def units(path: Path, columns: Mapping[str, str], intake: Intake) -> Iterator[tuple[int, dict[str, str]]]:
    """(number, texts by column) of every unit; a variant in `it-IT` or `it_IT` serves for `it`.

    Inline markup of other formats is dropped.
    """
    number = 0
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        for number, unit in enumerate(_cut(path), 1):
            try:
                yield number, _texts(unit, columns, parser)
            except Unsafe as error:
                intake.quarantine(path, f"unit {number}", str(error), unit)
    except bounded.broken() as error:
        intake.quarantine(path, f"after unit {number}", bounded.reason_of(error), rows=bounded.rows_of(error))


def _cut(path: Path) -> Iterator[str]:
    """The units of a file as they are written, each with the file's namespaces around it; torn ones too."""
    held, around, number = "", "", 0
    with bounded.Bounded(path) as stream:
        try:
            for text in _decoded(stream):
                held += text
                if not around:
                    if not (first := OPENS.search(held)):
                        _check_head(held)
                        continue
                    head, held = held[: first.start()], held[first.start() :]
                    _check_head(head)
                    around = f"<tmx{''.join(found[0] for found in NAMESPACE.finditer(head))}>"
                *found, held = _split(held)
                for unit in found:
                    number += 1
                    yield f"{around}{unit}</tmx>"
                if len(held) > UNIT:
                    raise Unsafe(f"unit without end: {len(held):,} characters", stream.lost(number))
        except bounded.broken() as error:
            lost = bounded.rows_of(error) if isinstance(error, Unsafe) else stream.lost(number)
            raise Unsafe(bounded.reason_of(error), lost) from error
    if OPENS.match(held):
        yield f"{around}{held}</tmx>"


def _split(text: str) -> Iterator[str]:
    """The units of a piece of a file that are complete, or followed by another; last what is left over.

    Comments between units are no units.
    """
    place = 0
    while True:
        found = OPENS.search(text, place)
        comment = text.find("<!--", place, found.start() if found else len(text))
        if comment >= 0:
            closed = text.find("-->", comment)
            if closed < 0:
                yield text[comment:]
                return
            place = closed + 3
            continue
        stray = text.find(CLOSES, place, found.start() if found else len(text))
        if stray >= 0:  # a unit that lost its beginning
            yield text[place : stray + len(CLOSES)]
            place = stray + len(CLOSES)
            continue
        if not found:
            yield text[max(place, len(text) - len(CLOSES)) :]  # where a unit may begin
            return
        begin = found.start()
        end = text.find(CLOSES, begin)
        following = OPENS.search(text, found.end(), end if end >= 0 else len(text))
        if following:  # a unit that lost its end
            yield text[begin : following.start()]
            place = following.start()
        elif end >= 0:
            yield text[begin : end + len(CLOSES)]
            place = end + len(CLOSES)
        else:
            yield text[begin:]
            return


def _decoded(stream: bounded.Bounded) -> Iterator[str]:
    """The file's text, a piece at a time; a byte that cannot be decoded becomes U+FFFD, which no unit may hold."""
    block = stream.read(BLOCK)
    marked = next((encoding for mark, encoding in MARKS if block.startswith(mark)), "")
    declared = DECLARED.match(block[:200])
    name = marked or (declared[1].decode("ascii") if declared else "utf-8")
    try:
        "".encode(name)  # not every codec is one of text
        decoder = codecs.getincrementaldecoder(name)("replace")
    except LookupError as error:
        raise Unsafe(f"unknown encoding: {name}") from error
    while block:
        yield decoder.decode(block)
        block = stream.read(BLOCK)
    yield decoder.decode(b"", final=True)


def _check_head(head: str) -> None:
    if "<!ENTITY" in head:
        raise Unsafe("entities declared: a TMX file needs none, and bombs are made of them")
    if len(head) > UNIT:
        raise Unsafe(f"no TMX: no unit in the first {len(head):,} characters")


def _texts(unit: str, columns: Mapping[str, str], parser: etree.XMLParser) -> dict[str, str]:
    if "\ufffd" in unit:
        raise Unsafe("broken encoding: a character that cannot be decoded, or U+FFFD")
    try:
        root = etree.fromstring(unit, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unsafe(f"broken XML: {error}") from error
    row, exact = dict.fromkeys(columns.values(), ""), set[str]()
    for variant in root.iter("tuv"):
        tag, segment = variant.get(LANGUAGE) or variant.get("lang") or "", variant.find("seg")
        if segment is None:
            continue
        for column in row:
            same = tag.casefold() == column.casefold()
            # the first variant serves, unless one is named as the column is
            if (same and column not in exact) or (not row[column] and _language(tag) == _language(column)):
                row[column] = " ".join(_prose(segment).split())
                exact |= {column} if same else set()
    return row


@lru_cache(maxsize=1024)
def _language(tag: str) -> str:
    """The language of a tag in any of its usual spellings: it, IT, it_IT, it-it, ita."""
    from langcodes import Language
    from langcodes.tag_parser import LanguageTagError

    try:
        return Language.get(tag.replace("_", "-").strip()).language or tag.casefold()
    except (LanguageTagError, ValueError):
        return tag.casefold()


def _prose(element: etree._Element) -> str:
    inside = "" if element.tag in MARKUP else (element.text or "") + "".join(_prose(child) for child in element)
    return inside + ("" if element.tag == "seg" else element.tail or "")
