"""Lines of text out of XHTML, HTML and SVG as books have it: a line a block, each text once and in order.

inscriptis renders HTML too, but recurses (a deep page ends it), loses what follows a processing instruction, weaves the
cells of a table into one another line by line and numbers lists; resiliparse parses HTML alone, where <title/> swallows
the book. Neither looks at style sheets, which in books decide whether a span is a line of verse and whether the number
beside it touches it. trafilatura looks for the main text of a page, and a book has nothing else. lxml parses.
"""

import re
from html.entities import html5
from typing import Any

UNSEEN = {"head", "script", "style", "title", "template", "nav", "rt", "rp", "annotation", "annotation-xml", "desc",
          "metadata", "audio", "video", "iframe"}  # fmt: skip
INLINE = {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
          "img", "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub",
          "sup", "time", "tt", "u", "var", "wbr", "ruby", "rb", "rbc", "rtc", "math", "semantics", "mrow", "mi", "mn",
          "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle", "msub", "msup", "msubsup", "munder",
          "mover", "munderover", "mfenced", "mpadded", "mphantom", "menclose", "tspan", "textpath", "input", "button",
          "case", "default", "switch", "w", "sent"}  # fmt: skip
NOTE_TYPES = {"noteref", "doc-noteref", "pagebreak", "doc-pagebreak"}  # marks of the page, not of the text
MARK = re.compile(r"[\[(]?(?:\d{1,4}|[*†‡§¶]{1,3}|[a-z]{1,2}|[ivxlc]{1,6})[\])]?[.,]?")
BRACKETED = re.compile(r"[\[(]\d{1,4}[\])]|[*†‡§]{1,3}|\d{0,4}[↩↑⤴⏎]\ufe0e?")
EXPONENT = re.compile(r"(?:\d|(?<!\w)[^\W\d_]{1,2})$")
SUPERSCRIPT = str.maketrans("0123456789+-()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾")
SPACES = re.compile(r"[ \t\r\n\f]+")
ENTITY = re.compile(r"&(?!#\d+;|#[xX][0-9a-fA-F]+;)(\w*;?)")
DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
EMPTY = re.compile(r"<(title|script|style|a|p|div|span|td|th|i|b|em|strong)((?:\s[^<>]*)?)/>", re.IGNORECASE)
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
COMPOUND = re.compile(r"[\w-]*(?:\.[\w-]+)?")
WIDE = re.compile(r"(?:margin|padding)-(?:left|right)\s*:\s*(?:0*[1-9]\d*(?:\.\d+)?|0?\.[5-9]\d*)(?:r?em|ex|%)")


def decoded(data: bytes) -> str:
    """The text of XML or XHTML: by byte order mark, UTF-16's zeros, what it declares, UTF-8, windows-1252."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if data[:4].count(0) == 2:
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", "replace")
    declared = re.search(rb"(?:encoding|charset)\s*=\s*[\"']?([\w.:-]+)", data[:1024])
    for encoding in (declared[1].decode() if declared else "utf-8", "utf-8"):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("windows-1252", "replace")


def parsed(text: str) -> Any:
    """The root of an XML document; of one that is not well-formed, what an HTML parser makes of it. None where empty.

    No entity is ever expanded: HTML's are replaced by their characters before, others stay as they are written.
    """
    from lxml import etree, html

    text = ENTITY.sub(_character, DOCTYPE.sub("", CONTROLS.sub("", text), count=1))
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text).strip()
    if not text:
        return None
    data = text.encode()
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, encoding="utf-8")
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        data = EMPTY.sub(r"<\1\2></\1>", text).encode()
        try:
            return html.document_fromstring(data, parser=html.HTMLParser(encoding="utf-8", huge_tree=True))
        except etree.ParserError:  # nothing but comments
            return None


def _character(entity: re.Match[str]) -> str:
    if entity[1] in ("amp;", "lt;", "gt;", "quot;", "apos;"):
        return entity[0]
    character = html5.get(entity[1], "") if entity[1].endswith(";") else ""
    return character if character and character not in "<&" else f"&amp;{entity[1]}"


class Styles:
    """What style sheets say of an element that matters to its text: it is a block, is set apart, keeps its line ends.

    Selectors are taken by their last part alone, an element, a class or both: enough for what books do.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}

    def add(self, sheet: str) -> None:
        """Learn a style sheet."""
        for selectors, body in RULE.findall(re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)):
            if kind := style_of(body):
                for selector in selectors.split(","):
                    last = re.split(r"[\s>+~]+", selector.strip())[-1]
                    if COMPOUND.fullmatch(last):
                        self._kinds[last] = kind

    def of(self, node: Any, name: str) -> str:
        """block, apart, pre, or nothing that matters."""
        if style := style_of(node.get("style") or ""):
            return style
        for each in (node.get("class") or "").split():
            if kind := self._kinds.get(f"{name}.{each}") or self._kinds.get(f".{each}"):
                return kind
        return self._kinds.get(name, "")


def style_of(body: str) -> str:
    """The kind that a declaration block gives."""
    body = body.lower()
    if re.search(r"display\s*:\s*none", body):
        return ""
    if re.search(r"white-space\s*:\s*pre", body):
        return "pre"
    if re.search(r"display\s*:\s*(block|list-item|table(-row|-caption)?\s*(;|!|$)|flex|grid)", body):
        return "block"
    if re.search(r"float\s*:\s*(left|right)|position\s*:\s*absolute|display\s*:\s*table-cell", body) or WIDE.search(
        body
    ):
        return "apart"
    return ""


def lines(root: Any, styles: Styles) -> str:
    """The text of a tree that `parsed` gave; cells of a table's row are parted by a tab."""
    from lxml import etree

    page = _Page()
    walker = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    kinds: list[str] = []  # of the elements that are open
    for event, node in walker:
        if event == "start":
            name = etree.QName(node).localname.lower()
            if _hidden(node, name):
                walker.skip_subtree()
                kinds.append("skipped")
            elif name == "sup" and (mark := _words(node)).strip("[]()*†‡.,+-").isdecimal():
                if node.find(".//{*}a") is None:
                    page.raise_(mark)
                walker.skip_subtree()
                kinds.append("skipped")
            else:
                kind = _kind(node, name, styles)
                kinds.append(kind)
                page.opened(kind)
                if name == "img" and len(alt := node.get("alt") or "") == 1:  # an initial
                    page.write(alt)
                page.write(node.text or "")
        else:
            if event == "end":
                page.closed(kinds.pop())
            if node is not root:
                page.write(node.tail or "")
    return page.text()


def _kind(node: Any, name: str, styles: Styles) -> str:
    if name in ("td", "th", "mtd"):
        return "cell"
    if name == "tr":
        return "row"
    if name in ("pre", "listing", "xmp"):
        return "pre"
    kind = styles.of(node, name)
    if name not in INLINE:
        return kind if kind == "pre" else "block"
    if kind == "pre":
        return "inline-pre"
    if kind == "apart" and len(initial := _words(node).strip("«“\"'‘")) == 1 and initial.isalpha():
        return ""  # its word continues
    return kind


def _words(node: Any) -> str:
    return "".join(node.itertext()).strip()


def _hidden(node: Any, name: str) -> bool:
    """Not shown, or a mark of the page (its number, a note's number) within the text."""
    if name in UNSEEN or node.get("hidden") is not None:
        return True
    said = f"{node.get('{http://www.idpf.org/2007/ops}type') or node.get('epub:type') or ''} {node.get('role') or ''}"
    if NOTE_TYPES.intersection(said.split()) and len(_words(node)) <= 8:
        return True
    if name != "a" or "#" not in (node.get("href") or ""):
        return False
    text, parent = _words(node), node.getparent()
    raised = node.find(".//{*}sup") is not None or (parent is not None and str(parent.tag).endswith("sup"))
    return bool(BRACKETED.fullmatch(text) or (raised and MARK.fullmatch(text)))


class _Page:
    """Text being written: white space collapses, blocks begin lines, cells of a row are parted by tabs."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._gap = ""  # what is due before the next character: nothing, a space, a tab or a line end
        self._kept = 0  # open elements that keep their line ends
        self._cell = ""  # "" outside of a row's cells, "new" before one's first text, "written" after it
        self._wrapped = False  # the cell has several lines

    def opened(self, kind: str) -> None:
        if kind in ("pre", "inline-pre"):
            self._kept += 1
        if kind == "cell":
            if self._cell == "written":
                self._gap = "\n" if self._wrapped else "\t"
            self._cell, self._wrapped = "new", False
        elif kind == "row":
            self._gap, self._cell = "\n", ""
        elif kind in ("block", "pre"):
            self._line()
        elif kind == "apart":
            self._space()

    def closed(self, kind: str) -> None:
        if kind in ("pre", "inline-pre"):
            self._kept -= 1
        if kind in ("block", "pre"):
            self._line()
        elif kind == "row":
            self._gap, self._cell = "\n", ""
        elif kind == "apart":
            self._space()

    def write(self, text: str) -> None:
        if self._kept:
            first, *others = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            self._flow(first)
            for each in others:
                self._line()
                self._flow(each)
        else:
            self._flow(text)

    def raise_(self, mark: str) -> None:
        """A raised number: an exponent after a digit, a unit or a variable (m², 10³), else a note's, and left out."""
        if not self._gap and EXPONENT.search("".join(self._parts[-4:])[-4:]):
            self._flow(mark.translate(SUPERSCRIPT))

    def text(self) -> str:
        return "".join(self._parts).strip()

    def _flow(self, text: str) -> None:
        text = SPACES.sub(" ", text)
        if text.startswith(" "):
            self._space()
        if body := text.strip(" "):
            if self._gap and self._parts:
                self._parts.append(self._gap)
            self._wrapped = self._wrapped or (self._cell == "written" and self._gap == "\n")
            self._cell = self._cell and "written"
            self._parts.append(body)
            self._gap = " " if text.endswith(" ") else ""

    def _space(self) -> None:
        self._gap = self._gap or " "

    def _line(self) -> None:
        if self._cell != "new":  # its first block stays on the row's line
            self._gap = "\n"
