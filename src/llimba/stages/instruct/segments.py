"""A message cut into what is translated, sentence by sentence, and what is not; joined again, nothing is lost.

Code blocks, blank lines, list marks, headings and table bars are kept as they are. The sentences are sentencex's
(Wikimedia's, 200 languages and more), which keeps every character.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from llimba.errors import StageError
from llimba.stages.instruct.spans import has_words

BLOCK = re.compile(r"^(```|~~~).*?(?:^\1[ \t]*$|\Z)|^\$\$.*?\$\$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"\s*(?:>\s?|#{1,6}\s+|[-*+•]\s+|\(?\d{1,3}[.)]\s+|\(?[a-zA-Z][.)]\s+)*\s*")


class Segment(NamedTuple):
    """A part of a message; the parts of a message joined give it back."""

    text: str
    translate: bool


def segments(text: str, language: str) -> list[Segment]:
    """Cut a message; `language` is the code that its sentences are split by."""
    cut: list[Segment] = []
    end = 0
    for block in BLOCK.finditer(text):
        cut += _lines(text[end : block.start()], language)
        cut.append(Segment(block[0], False))
        end = block.end()
    return [*cut, *_lines(text[end:], language)]


def blocks(text: str) -> list[str]:
    """The code and formula blocks of a message, whole."""
    return [match[0] for match in BLOCK.finditer(text)]


def _lines(text: str, language: str) -> Iterator[Segment]:
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("|"):
            for cell in re.split(r"(\|)", line):
                yield from _sentences(cell, language)
            continue
        mark = MARK.match(line)
        start = mark.end() if mark else 0
        yield Segment(line[:start], False)
        yield from _sentences(line[start:], language)


def _sentences(text: str, language: str) -> Iterator[Segment]:
    try:
        from sentencex import segment
    except ImportError as error:
        raise StageError(
            "instruct.translate needs sentencex, which is not installed: `pip install llimba[translate]`."
        ) from error
    for sentence in segment(language, text) if has_words(text) else [text]:
        core = sentence.strip()
        start = sentence.find(core)
        yield Segment(sentence[:start], False)
        yield Segment(core, has_words(core))
        yield Segment(sentence[start + len(core) :], False)
