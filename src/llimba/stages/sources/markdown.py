"""The prose of a Markdown file: no front matter, comments or addresses; tables and code blocks only where asked for.

markdown-it-py parses; what it lacks is front matter and footnotes (mdit-py-plugins has both, but moves the notes and
keeps their marks), and a renderer of plain text.
"""

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from llimba.stages.sources import markup
from llimba.stages.sources.extracted import Extracted, characters

if TYPE_CHECKING:
    from markdown_it.token import Token

# a YAML or TOML block whose first line is a key: a line of prose between two rules is none
FRONT = re.compile(r"\A\s*(?:---[ \t]*\n(?=\s*(?:#|[\w\"'-][^\n:]*:(?:\s|$)|---))(?:.*?\n)??(?:---|\.\.\.)|"
                   r"\+\+\+[ \t]*\n(?:.*?\n)??\+\+\+)[ \t]*(?:\n|\Z)", re.DOTALL)  # fmt: skip
FENCED = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
NOTE = re.compile(r"^ {0,3}\[\^[^\]\n]+\]:[ \t]*", re.MULTILINE)
NOTE_MARK = re.compile(r"\[\^[^\]\s]+\]")
# [[page|text]] and ![[picture]] of Obsidian and other wikis; [!note] above a remark, [x] before a task
WIKI_LINK = re.compile(r"(!?)\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]+))?\]\]")
MARKED = re.compile(r"==(?=\S)([^=\n]+)(?<=\S)==")
CALLOUT = re.compile(r"^\s*\[(?:!\w+|[ xX])\][+-]?\s?")
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def markdown(text: str, keep: Collection[str] = ()) -> Extracted:
    """A line a paragraph, heading or list item; `keep` may name "tables" (rows, cells apart by a tab) and "code"."""
    from markdown_it import MarkdownIt

    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    text = FRONT.sub("", text, count=1)
    visible = _visible(text, keep)
    parts, start = [], 0
    for fence in FENCED.finditer(text):  # what looks like a note in code is none
        parts += [NOTE.sub("\n\n", text[start : fence.start()]), fence[0]]
        start = fence.end()
    parts.append(NOTE.sub("\n\n", text[start:]))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse("".join(parts))
    return Extracted("\n".join(line.rstrip() for line in _lines(tokens, keep) if line.strip()), visible)


def _lines(tokens: "list[Token]", keep: Collection[str]) -> Iterator[str]:
    row: list[str] | None = None  # the cells of a table's row
    for token in tokens:
        if token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield "\t".join(row or ()) if "tables" in keep else ""
            row = None
        elif token.type == "inline":
            said = _inline(token.children or [])
            if row is not None:
                row.append(said.replace("\n", " "))
            else:
                yield from (line.strip() for line in said.split("\n"))
        elif token.type in ("fence", "code_block") and "code" in keep:
            yield from token.content.split("\n")
        elif token.type == "html_block":
            yield from _html(token.content, keep).split("\n")


def _inline(tokens: "list[Token]") -> str:
    said, address = "", False
    for token in tokens:
        if token.type == "link_open":
            address = token.info == "auto"
        elif token.type == "link_close":
            address = False
        elif token.type == "softbreak":
            said += " "
        elif token.type == "hardbreak" or (token.type == "html_inline" and re.match(r"</?br\b", token.content, re.I)):
            said += "\n"
        elif token.type in ("text", "code_inline") and not address:
            said += _plain(token.content) if token.type == "text" else token.content
    return re.sub(r"[ \t]+", " ", said)


def _plain(text: str) -> str:
    """A text without marks that CommonMark does not know: notes, and what note-taking programs add."""
    text = WIKI_LINK.sub(lambda link: "" if link[1] else link[3] or link[2], NOTE_MARK.sub("", text))
    return CALLOUT.sub("", MARKED.sub(r"\1", text))


def _html(content: str, keep: Collection[str]) -> str:
    """What a block of HTML shows."""
    if re.match(r"\s*<table\b", content, re.IGNORECASE) and "tables" not in keep:
        return ""
    root = markup.parsed(f"<div>{content}</div>")
    return "" if root is None else markup.lines(root, markup.Styles())


def _visible(text: str, keep: Collection[str]) -> int:
    """The dumber count: lines without their marks, by expressions that know no nesting."""
    text = COMMENT.sub("", text)
    if "code" not in keep:
        text = FENCED.sub("", text)
        text = re.sub(r"(?<=\n\n)(?:(?: {4}|\t).*\n?)+", "", text)
    if "tables" not in keep:
        text = re.sub(r"^.*\|.*\n[ \t|:]*-[-| \t:]*\n(?:.*\|.*\n?)*", "", text, flags=re.MULTILINE)
    text = re.sub(
        r"^ {0,3}\[[^\]]+\]:.*$", lambda line: NOTE.sub("", line[0]) if "[^" in line[0] else "", text, flags=re.M
    )
    text = MARKED.sub(r"\1", text)
    text = re.sub(r"!\[\[.*?\]\]|\[\[[^\]|]*\||^[ \t>*+-]*\[(?:!\w+|[ xX])\]", "", text, flags=re.MULTILINE)
    text = NOTE_MARK.sub("", re.sub(r"!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|<[^>\s][^>]*>", "", text))
    text = re.sub(r"^[ \t]*(?:[#>*+=-]+|\d+[.)])", "", text, flags=re.MULTILINE)
    return characters(re.sub(r"[*_`\[\]\\|]", "", text))
