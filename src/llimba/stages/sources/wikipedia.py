"""The `wikipedia` source: a pages-articles XML dump, plain or compressed, becomes articles in plain text.

mwparserfromhell knows wikitext; what stays of an article is its headings and prose, without tables, references, files,
categories and markup, and without templates but those that hold text of the sentence: quotations, words of a language.
defusedxml reads the XML, as this Python's Expat may be old: a DTD is refused.
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
# aliases of the file namespace are in no dump: a file is known by its suffix, or by what only pictures are asked for
FILE = re.compile(r"\.(?:jpe?g|png|svg|gif|tiff?|webp|og[gagv]|opus|webm|mp[34]|wav|flac|midi?|pdf|djvu|xcf|stl)", re.I)
OPTION = re.compile(
    r"thumb(?:nail)?|frame(?:d|less)?|upright(?:[ =].*)?|(?:\d+)?x?\d+ ?px|(?:alt|link)=.*", re.IGNORECASE
)
LANGUAGE_LINK = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*|simple|nds-nl|be-x-old")
PROJECTS = {"voy", "wmf", "oth", "mw"}  # other wikis that the code of a language link matches; their links are text
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]+)*")
LANGUAGE_NAME = re.compile(
    r"lang(?:ue|[ -]?[a-z]{2,3}(?:-[a-z]+)*)?|(?:trans(?:literatio)?n?l?)|lingua|idioma|llengua|језик|язык|мова"
)
WRAPPED = {
    "nowrap",
    "nobr",
    "small",
    "big",
    "smallcaps",
    "sc",
    "abbr",
    "tooltip",
    "nobold",
    "formatnum",
}  # show their 1
# templates that write what wikitext would take for a mark, or a space
SIGNS = {"'": "'", "'s": "'s", "!": "|", "=": "=", "·": "·", "•": "•", "–": "–", "—": "—", "-": "-", "spaces": " "}
NO_TEXT = re.compile(r"ipa|audio|cit[eo]|ref|flag|iso|sfn|harv|coord|note?s?$", re.IGNORECASE)
SENTENCE_ENDS = tuple('.!?…»”"。！？।॥۔؟։።')
SWITCH = re.compile(r"__[^\W\d_a-zß-ÿ]{3,}__")
VARIANT = re.compile(r"-\{(?:[\w;-]+\|)?(?:[\w-]+:)?([^{}|;]*)(?:;[^{}|]*)?\}-")
NOWIKI = re.compile(r"<nowiki>(.*?)</nowiki>", re.DOTALL | re.IGNORECASE)
LEFTOVER = re.compile(r"\{\{|\}\}|\{\||\|\}|^\s*[|!]|\[\[|\]\]|</?(?:table|t[rdh])\b[^<>]*>", re.I)
TAG = re.compile(
    r"</?(?:br|p|div|span|center|small|big|font|su[bp]|[biu]|em|strong|ref|blockquote|li|[uo]l)\b[^<>]*>", re.I
)
GONE, BREAK = "\ue0ff", "\ue0fe"  # what was left out, and <br>, until the lines are known
PAUSE = "[,;،，；、]"
EMPTY_BRACKETS = re.compile(rf"\s*[(（\[][\s,;،，；、:/–—-]*{GONE}[\s,;،，；、:/–—{GONE}-]*[)）\]]")
FIRST_GONE = re.compile(rf"(?<=[(（])(?:\s*{GONE}\s*{PAUSE}?)+\s*")
LATER_GONE = re.compile(
    rf"(?:\s*{PAUSE}\s*{GONE})+(?=\s*(?:{PAUSE}|[)）]))|\s*{GONE}(?=\s*[.,;:!?)）])|(?<=\s){GONE}\s+|{GONE}"
)
LITERAL = str.maketrans(
    {c: chr(0xE000 + n) for n, c in enumerate("[]{}|!=*#:;<>'&")}
)  # of nowiki, until markup is gone
RESTORED = {ord(replaced): chr(original) for original, replaced in LITERAL.items()}


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

    wikitext = NOWIKI.sub(lambda found: found[1].translate(LITERAL), VARIANT.sub(r"\1", SWITCH.sub("", wikitext)))
    wikitext = "\n".join(_unquoted(line) for line in wikitext.split("\n"))
    code = mwparserfromhell.parse(wikitext, skip_style_tags=True)
    for node in [*code.filter_tags(recursive=True), *code.filter_templates(recursive=True)]:
        if not hasattr(node, "tag"):
            _replace(code, node, _said(node, wikitext))
        elif (name := str(node.tag).casefold()) in DROPPED_TAGS:
            _replace(code, node, GONE)
        elif name == "br":
            _replace(code, node, mwparserfromhell.nodes.Text(BREAK))
    for link in code.filter_wikilinks(recursive=True):
        if _is_no_text(link, dropped):
            _replace(code, link, GONE)
        elif str(link.title).strip().startswith(":") and link.text is None:
            link.title = str(link.title).strip().removeprefix(":")
    text = code.strip_code(normalize=True, collapse=True)
    lines = (part for line in text.split("\n") if not LEFTOVER.search(line) for part in _tidied(TAG.sub(" ", line)))
    return "\n".join(line.translate(RESTORED) for line in lines if any(character.isalpha() for character in line))


def _unquoted(line: str) -> str:
    """A line without the apostrophes of bold and italics.

    MediaWiki ends them with the line; mwparserfromhell lets what is not closed swallow the links behind it.
    """
    if "''" not in line:
        return line
    runs = [len(run) for run in re.findall("'{2,}", line)]
    bold, italic = sum(run in (3, 4) or run >= 5 for run in runs), sum(run == 2 or run >= 5 for run in runs)
    if bold % 2 and italic % 2:  # l'''domo'': an apostrophe and italics
        line = re.sub(r"(?<=\w)'''(?!')(?=\w)", "'", line, count=1)
    return re.sub("'{2,}", lambda run: "'" * (1 if len(run[0]) == 4 else max(len(run[0]) - 5, 0)), line)


def _is_no_text(link: Any, dropped: list[str]) -> bool:
    """Whether a link shows nothing in the text: a file, a category, the article in another language."""
    namespace, colon, name = str(link.title).strip().partition(":")
    if not colon or not namespace:  # a leading colon makes a link of what would be a file or a category
        return False
    options = [part.strip() for part in str(link.text or "").split("|")]
    return (
        namespace.strip().casefold() in dropped
        or bool(LANGUAGE_LINK.fullmatch(namespace) and namespace not in PROJECTS)
        or bool(FILE.search(name) and FILE.search(name.strip()[-6:]))
        or any(OPTION.fullmatch(option) for option in options)
    )


def _said(template: Any, wikitext: str) -> Any:
    """What a template shows of its text, as wikitext: a quotation's, a foreign word's; nothing for all others.

    Every wiki has names of its own for them. A foreign word follows the code of its language; a quotation is the only
    text of a template that has a line to itself, and a whole sentence.
    """
    name = str(template.name).strip()
    given = [p for p in template.params if not p.showkey or str(p.name).strip().isdecimal()]
    function, colon, argument = name.partition(":")
    if colon and function.casefold() == "formatnum":
        return argument
    key = name.casefold().replace("_", " ")
    if key in SIGNS and not given:
        return SIGNS[key]
    if not given or NO_TEXT.match(key):
        return GONE
    first = str(given[0].value).strip()
    if len(given) > 1 and LANGUAGE_CODE.fullmatch(first) and _is_language(first):
        return given[1].value
    if key in WRAPPED or LANGUAGE_NAME.fullmatch(key):
        return given[0].value
    alone = f"\n{template}\n" in f"\n{wikitext.strip()}\n"
    if alone and len(first.split()) > 3 and first.rstrip("'\"”»]").endswith(SENTENCE_ENDS):
        return given[0].value
    return GONE


def _is_language(code: str) -> bool:
    from langcodes import tag_is_valid

    return bool(tag_is_valid(code))


def _tidied(line: str) -> Iterator[str]:
    """The lines of one, without list marks, and without the brackets and commas around what was left out."""
    before = ""
    while before != line:
        before, line = line, EMPTY_BRACKETS.sub(GONE, line)
    line = LATER_GONE.sub("", FIRST_GONE.sub("", line))
    for part in line.split(BREAK):
        yield " ".join(part.split()).lstrip("=*#:; ").rstrip("= ")


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


def _replace(code: Any, node: Any, value: Any) -> None:
    """Put `value` in a node's place, where it is still there: what held it may have gone already."""
    if code.contains(node):
        code.replace(node, value)
