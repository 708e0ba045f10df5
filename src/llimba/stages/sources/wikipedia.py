"""The `wikipedia` source: a pages-articles XML dump, plain or compressed, becomes articles in plain text.

mwparserfromhell knows wikitext; what stays of an article is its headings and prose, without templates, tables,
references, files, categories and markup. defusedxml reads the XML, as this Python's Expat may be old: a DTD is refused.
Why not the ready-made `wikimedia/wikipedia` datasets: they serve too (kind: hub), but reach no one without the hub, and
lag the dumps by years. Memory stays flat: one page at a time.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError

from llimba.recipe import WikipediaSource
from llimba.records import Record
from llimba.stages.sources import bounded
from llimba.stages.sources.download import downloaded
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.unsafe import Unsafe

PAGE_BYTES = 32 * 2**20  # of XML without the end of a page: MediaWiki's own limit is 2 MiB of text, so this is a bomb
DROPPED_TAGS = {
    "ref",
    "references",
    "table",
    "gallery",
    "math",
    "timeline",
    "syntaxhighlight",
    "source",
    "score",
    "pre",
}
NAMESPACES_DROPPED = ("6", "14")  # File and Category, whatever a wiki calls them
ENGLISH = ("file", "image", "category")  # understood by every wiki beside its own names
SWITCH = re.compile(r"__[A-ZÀ-Ý]{3,}__")
LEFTOVER = re.compile(r"\{\{|\}\}|\{\||\|\}|^\s*[|!]|\[\[|\]\]")


class Page(NamedTuple):
    """One article as the dump has it."""

    id: str
    title: str
    wikitext: str


def load(source: WikipediaSource, intake: Intake) -> Iterator[Record]:
    """A document per article of the main namespace; redirects and pages without prose are skipped."""
    path = source.path or downloaded(source.url or "", intake.key("url"))
    bounded.existing(intake.key("path"), path)
    dropped: list[str] = []
    try:
        for page in pages(path, dropped, intake):
            text = plain(page.wikitext, dropped)
            if not text:
                intake.skip("no prose")
                continue
            place = f"{path.name}: page {page.id}, {page.title}"
            yield intake.document(page.id, text, source.language, place)
    except ParseError as error:
        intake.quarantine(path, "the rest of the dump", f"broken XML: {error}")
    except bounded.broken() as error:  # what was read so far stays
        intake.quarantine(path, "the rest of the dump", bounded.reason_of(error))


def pages(path: Path, dropped: list[str], intake: Intake) -> Iterator[Page]:
    """The articles of a dump. `dropped` receives the names of the namespaces whose links are no text."""
    from defusedxml.ElementTree import iterparse

    with bounded.Bounded(path) as raw:
        stream = _Pages(raw)
        root: Element | None = None
        dropped += ENGLISH
        for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
            if root is None:
                root = element
            tag = element.tag.rpartition("}")[2]
            if event != "end":
                continue
            if tag == "namespace" and element.get("key") in NAMESPACES_DROPPED and element.text:
                dropped.append(element.text.casefold())
            elif tag == "page":
                stream.page_ended()
                found = {child.tag.rpartition("}")[2]: child for child in element.iter()}
                if _text(found, "ns") != "0":
                    intake.skip("not an article")
                elif "redirect" in found:
                    intake.skip("redirect")
                else:
                    identifier = next((c.text for c in element if c.tag.endswith("}id") or c.tag == "id"), None)
                    yield Page(identifier or "", _text(found, "title"), _text(found, "text"))
                root.clear()


def plain(wikitext: str, dropped: list[str]) -> str:
    """The prose of an article, a line a paragraph or heading."""
    import mwparserfromhell

    code = mwparserfromhell.parse(SWITCH.sub("", wikitext), skip_style_tags=False)
    for node in [*code.filter_tags(recursive=True), *code.filter_templates(recursive=True)]:
        if not hasattr(node, "tag") or str(node.tag).casefold() in DROPPED_TAGS:
            _remove(code, node)
    for link in code.filter_wikilinks(recursive=True):
        namespace, colon, _ = str(link.title).strip().lstrip(":").partition(":")
        if colon and (namespace.casefold() in dropped or re.fullmatch(r"[a-z]{2,3}(-[a-z]+)?", namespace)):
            _remove(code, link)
    text = code.strip_code(normalize=True, collapse=True)
    lines = (" ".join(line.split()).strip("=*#:; ") for line in text.split("\n") if not LEFTOVER.search(line))
    return "\n".join(line for line in lines if any(character.isalpha() for character in line))


class _Pages:
    """A stream that ends a page which never ends: it would otherwise fill the memory."""

    def __init__(self, raw: bounded.Bounded) -> None:
        self._raw, self._since = raw, 0

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size if size > 0 else 2**16)
        self._since += len(data)
        if self._since > PAGE_BYTES:
            raise Unsafe(f"page without end: {self._since:,} bytes")
        return data

    def page_ended(self) -> None:
        self._since = 0


def _text(found: dict[str, Element], tag: str) -> str:
    return (found[tag].text or "") if tag in found else ""


def _remove(code: Any, node: Any) -> None:
    """Take a node out, where it is still there: what held it may have gone already."""
    if code.contains(node):
        code.remove(node)
