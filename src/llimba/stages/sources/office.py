"""Text of word processors: .docx and .odt are XML in zip archives, .rtf goes through striprtf.

python-docx leaves out what stands in content controls, text boxes, tracked insertions and notes, without a word; odfpy
is under the GPL in part and unmaintained. What is needed of the two formats is which elements are paragraphs and which
are not shown, so lxml reads them, within the bounds of `epub.Archive`.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from html import unescape

from lxml import etree

from llimba.stages.sources.epub import Archive
from llimba.stages.sources.extracted import Extracted, characters, visible_in
from llimba.stages.sources.unsafe import Unsafe

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
WORD_PARTS = ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml")
# deleted text, codes of fields, page furniture, and the second form of what is there in a newer one
WORD_UNSEEN = {f"{W}{name}" for name in ("del", "moveFrom", "instrText", "delText", "pPr", "rPr")} | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
}
WORD_SIGNS = {"tab": " ", "ptab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}
SHOWN_TEXT = re.compile(r"<w:t(?:\s[^>]*)?>([^<]*)</w:t>")
FALLBACK = re.compile(r"<mc:Fallback>.*?</mc:Fallback>", re.DOTALL)
TEXT, OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}", "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
MANIFEST = "META-INF/manifest.xml"
ODT_UNSEEN = {f"{TEXT}{name}" for name in ("tracked-changes", "note-citation", "ruby-text", "sequence-decls")} | {
    f"{OFFICE}annotation", f"{SVG}title", f"{SVG}desc",
}  # fmt: skip
ODT_SIGNS = {f"{TEXT}s": " ", f"{TEXT}tab": " ", f"{TEXT}line-break": "\n"}
NOTE = re.compile(r"\{\s*\\(?:super|chftn|fs\d+|\s)*\\footnote\b|\{\\footnote\b")
HIDDEN_GROUP = re.compile(r"\{\\(?:\*|fonttbl|colortbl|stylesheet|info|pict|header[lrf]?|footer[lrf]?|object|listtext)")
CODE_PAGE = re.compile(rb"\\ansicpg(\d{3,5})")
BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
RTF_SIGN = re.compile(r"\\'[0-9a-fA-F]{2}|\\u-?\d+ ?\??|\\[a-zA-Z]+-?\d* ?|\\[^a-zA-Z]|[{}\s]")


Sign = Callable[[etree._Element], str]


def docx(data: bytes) -> Extracted:
    """A line a paragraph or cell; notes come last, deleted text and page heads are left out."""
    lines: list[str] = []
    visible = 0
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        archive = Archive(zipped)
        for name in WORD_PARTS:
            if archive.has(name):
                source = archive.read(name)
                lines += _paragraphs(_parsed(source), {f"{W}p"}, WORD_UNSEEN, _word)
                shown = FALLBACK.sub("", source.decode("utf-8", "replace"))
                visible += sum(characters(unescape(found)) for found in SHOWN_TEXT.findall(shown))
            elif name == WORD_PARTS[0]:
                raise Unsafe(f"broken file: no {name} in it")
    return Extracted("\n".join(lines), visible)


def odt(data: bytes) -> Extracted:
    """A line a paragraph, heading or cell; a note comes after the paragraph that it belongs to."""
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        archive = Archive(zipped)
        if archive.has(MANIFEST) and b"encryption-data" in archive.read(MANIFEST):
            raise Unsafe("encrypted: the file asks for a password. Save a copy without one")
        source = archive.read("content.xml")
    root = _parsed(source)
    for changes in list(root.iter(f"{TEXT}tracked-changes")):
        parent = changes.getparent()
        if parent is not None:
            parent.remove(changes)
    lines = _paragraphs(root, {f"{TEXT}p", f"{TEXT}h"}, ODT_UNSEEN, _odt)
    return Extracted("\n".join(lines), visible_in(etree.tostring(root, encoding="unicode")))


def rtf(data: bytes) -> Extracted:
    """A line a paragraph or cell; notes come last."""
    from striprtf.striprtf import rtf_to_text

    source = _decoded(data)
    if not source.lstrip().startswith("{\\rtf"):
        raise Unsafe("broken file: it does not begin as RTF does")
    body, notes = _without_groups(source, NOTE)
    # addresses of links are not text, and cells are lines
    body = re.sub(r"\\(?:nest)?cell(?![a-z])", r"\\line", body.replace("HYPERLINK", "LINK"))
    parts = [body, *(f"{{\\rtf1 {NOTE.sub('', note)}" for note in notes)]
    text = "\n".join(rtf_to_text(part, errors="replace") for part in parts)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # halves of a character, joined
    shown, _ = _without_groups(source, HIDDEN_GROUP)
    visible = len(
        RTF_SIGN.sub(lambda sign: "x" if sign[0][:2] in ("\\'", "\\u") and sign[0][2:3] != "c" else "", shown)
    )
    return Extracted("\n".join(line for line in map(_spaced, text.splitlines()) if line), visible)


def _decoded(data: bytes) -> str:
    """RTF as text: it is ASCII, but old programs leave other bytes as they are, in the code page that it names."""
    page = CODE_PAGE.search(data[:4096])
    try:
        return data.decode(f"cp{int(page[1])}" if page else "cp1252", "replace")
    except LookupError:
        return data.decode("cp1252", "replace")


def _parsed(source: bytes) -> etree._Element:
    """The root of a part; entities are not expanded, and there are none in files of word processors."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(source, parser)


def _paragraphs(root: etree._Element, tags: set[str], unseen: set[str], sign: Sign) -> Iterator[str]:
    """The paragraphs in order, each without those inside it, which follow."""
    for paragraph in root.iter(*tags):
        if any(above.tag in unseen for above in paragraph.iterancestors()):
            continue
        parts = [sign(paragraph)]
        _collect(paragraph, tags, unseen, sign, parts)
        yield from (line for line in map(_spaced, "".join(parts).split("\n")) if line)


def _collect(element: etree._Element, tags: set[str], unseen: set[str], sign: Sign, parts: list[str]) -> None:
    for child in element:
        if isinstance(child.tag, str) and child.tag not in tags and child.tag not in unseen:
            parts.append(sign(child))
            _collect(child, tags, unseen, sign, parts)
        if not element.tag.startswith(W):
            parts.append(child.tail or "")


def _word(element: etree._Element) -> str:
    name = str(element.tag).removeprefix(W)
    return (element.text or "") if name == "t" else WORD_SIGNS.get(name, "")


def _odt(element: etree._Element) -> str:
    return ODT_SIGNS.get(str(element.tag), "") + (element.text or "")


def _without_groups(source: str, begins: re.Pattern[str]) -> tuple[str, list[str]]:
    """RTF without the groups that begin so, and these groups."""
    kept, groups, place = [], [], 0
    for found in begins.finditer(source):
        if found.start() < place:
            continue
        depth, end = 0, len(source)
        for brace in BRACE.finditer(source, found.start()):
            depth += {"{": 1, "}": -1}.get(brace[0], 0)
            if not depth:
                end = brace.end()
                break
        kept.append(source[place : found.start()])
        groups.append(source[found.start() : end])
        place = end
    return "".join([*kept, source[place:]]), groups


def _spaced(line: str) -> str:
    return " ".join(line.split())
