"""The main text of an HTML page.

trafilatura finds it, once verse that lies in no paragraph is put into one: elsewhere it joins the lines. On pages that
it takes for something else, such as threads of comments, it gives a small part of what is there, without a word; those
are rendered block by block, without menus and lists of links.
"""

import re
from collections import Counter
from copy import deepcopy
from typing import Any

from llimba.stages.sources.extracted import Extracted, characters, visible_in
from llimba.stages.sources.markup import Styles, lines

LITTLE = 0.5  # share of the text outside of menus and links, below which trafilatura has lost the main text
LINKS = 0.8  # share of a block's text within links, from which on it is a list of them
FEW = 100  # characters; of less main text no share is asked for
BLOCKS = {
    "p", "li", "td", "th", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "div", "ul", "ol", "dl", "table", "section",
    "tr", "article", "main", "blockquote", "center", "form", "nav", "header", "footer", "aside", "pre", "hr", "figure",
    "details", "summary", "tbody", "thead", "noscript", "fieldset", "address",
}  # fmt: skip
HOLDERS = ("body", "div", "td", "center", "font", "section", "article", "main", "blockquote")
UNWANTED = (
    "//script|//style|//template|//nav|//aside|//form|//button|//select|//iframe|//object|//svg|//*[@hidden]"
    "|//footer[not(ancestor::article)]|//header[not(ancestor::article) and not(.//h1)]"
    "|//*[@role='navigation' or @role='banner' or @role='contentinfo' or @role='search' or @aria-hidden='true']"
)
NAMED = re.compile(
    r"(?:^|[\s_-])(?:menu|nav|navbar|navigation|sidebar|breadcrumbs?|cookies?|footer|pagination)(?:$|[\s_-])"
)


def html(data: bytes, url: str = "") -> Extracted:
    """Main text and address (the page's own, or `url`) of a page in UTF-8; empty where there is no prose."""
    import trafilatura

    visible = visible_in(data.decode("utf-8", "replace"))
    root = _parsed(data)
    if root is None:
        return Extracted("", visible, url)
    blocks = _blocks(deepcopy(root))
    for node in list(root.iter(*HOLDERS)):
        _put_into_a_paragraph(node)
    # metadata is asked for where the address is not known: with both, trafilatura gives up pages whose own differs
    found: Any = trafilatura.bare_extraction(
        root, url=url or None, include_comments=False, include_tables=False, with_metadata=not url
    )
    address = url or (found.url if found is not None else "") or ""
    text = (found.text if found is not None else "") or ""
    if characters(blocks) >= FEW and _covered(blocks, text) < LITTLE:
        text = blocks
    return Extracted(text, visible, address)


def _parsed(data: bytes) -> Any:
    from lxml import etree
    from lxml import html as parser

    reader = parser.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        return parser.document_fromstring(data, parser=reader)
    except (etree.ParserError, ValueError):  # nothing but comments
        return None


def _put_into_a_paragraph(holder: Any) -> None:
    """The content of an element that has line breaks and no blocks: trafilatura keeps those of paragraphs."""
    children = list(holder)
    if any(child.tag in BLOCKS for child in children) or not any(child.tag == "br" for child in children):
        return
    paragraph = holder.makeelement("p")
    paragraph.text, holder.text = holder.text, None
    paragraph.extend(children)
    holder.append(paragraph)


def _covered(blocks: str, text: str) -> float:
    """The share of the blocks' characters whose words are in the text."""
    wanted = Counter(blocks.split())
    found = wanted & Counter(text.split())
    return sum(len(word) * n for word, n in found.items()) / sum(len(word) * n for word, n in wanted.items())


def _blocks(root: Any) -> str:
    """The text of the body, a line a block, without what is no part of the main text."""
    body = root.find(".//body")
    if body is None:
        return ""
    for node in [*body.xpath(UNWANTED), *(node for node in body.iter("*") if _is_menu(node))]:
        _drop(node)
    for node in list(body.iter(*BLOCKS)):
        if _is_links(node):
            _drop(node)
    return "\n".join(line for part in lines(body, Styles()).splitlines() if (line := part.strip()))


def _drop(node: Any) -> None:
    if node.getparent() is not None and node.tag != "body":
        node.drop_tree()


def _is_menu(node: Any) -> bool:
    return bool(NAMED.search(f"{node.get('class') or ''} {node.get('id') or ''}".lower()))


def _is_links(node: Any) -> bool:
    """Whether a block without blocks in it is hardly more than links."""
    links = list(node.iter("a"))
    if not links or any(child.tag in BLOCKS for child in node):
        return False
    whole = characters(node.text_content())
    return sum(characters(link.text_content()) for link in links) > LINKS * whole
