"""Lines of Arabic, Hebrew and other scripts from right to left, out of a PDF: in the order in which they are read.

A PDF holds glyphs at places, and its libraries give them from left to right or in the order in which they were drawn;
words then come out backwards. python-bidi goes the other way, from text to places, and is under the LGPL.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# classes of glyphs, in the order in which a line is read: Latin words and numbers stay as they are drawn
LEFT_TO_RIGHT = re.compile(r"L(?:[LNSCO]*[LN])?|N(?:[NC]*N)?")
CLASSES = {"L": "L", "EN": "N", "AN": "N", "R": "R", "AL": "R", "WS": "S", "ES": "C", "CS": "C", "ET": "C"}
FORMS = re.compile(r"[\ufb1d-\ufdff\ufe70-\ufefc]+")  # shapes of letters
WORD_GAP = 0.15  # of a letter's size, that parts words
LINE_GAP = 1.7  # of a letter's size, that parts columns


class Glyph(NamedTuple):
    """What a glyph says, and its box: left, lower, right, and the size of its letters."""

    text: str
    x0: float
    y0: float
    x1: float
    size: float


def mostly(texts: Iterable[str]) -> bool:
    """Whether most letters are of scripts that are written from right to left."""
    strong = [unicodedata.bidirectional(character) for text in texts for character in text]
    return sum(each in ("R", "AL") for each in strong) > sum(each == "L" for each in strong)


def rows(glyphs: Iterable[Glyph]) -> Iterator[list[Glyph]]:
    """The glyphs of a page in lines of a column, in whatever order they were drawn."""
    lines: list[list[Glyph]] = []
    for glyph in sorted(glyphs, key=lambda glyph: -glyph.y0):
        if lines and lines[-1][0].y0 - glyph.y0 < 0.35 * max(glyph.size, lines[-1][0].size):
            lines[-1].append(glyph)
        else:
            lines.append([glyph])
    for line in lines:
        line.sort(key=lambda glyph: -glyph.x1)
        start, end = 0, line[0].x0
        for number, glyph in enumerate(line):
            if end - glyph.x1 > LINE_GAP * glyph.size:
                yield line[start:number]
                start = number
            end = min(end, glyph.x0) if number > start else glyph.x0
        yield line[start:]


def logical(glyphs: Iterable[Glyph]) -> str:
    """The text of a line; marks come after the letter that they are drawn at."""
    bases = sorted((glyph for glyph in glyphs if not _mark(glyph)), key=lambda glyph: -(glyph.x0 + glyph.x1))
    said = [FORMS.sub(lambda form: unicodedata.normalize("NFKC", form[0]), glyph.text) for glyph in bases]
    for mark in filter(_mark, glyphs):
        if bases:
            middle = mark.x0 + mark.x1
            near = min(range(len(bases)), key=lambda at: abs(bases[at].x0 + bases[at].x1 - middle))
            said[near] += mark.text
    pieces: list[str] = []
    for number, text in enumerate(said):
        if number and bases[number - 1].x0 - bases[number].x1 > WORD_GAP * bases[number].size:
            pieces.append(" ")
        pieces.append(text)
    classes = "".join(_class(piece) for piece in pieces)
    for run in LEFT_TO_RIGHT.finditer(classes):
        pieces[run.start() : run.end()] = reversed(pieces[run.start() : run.end()])
    return " ".join("".join(pieces).split())


def _mark(glyph: Glyph) -> bool:
    return bool(glyph.text) and all(unicodedata.category(character) == "Mn" for character in glyph.text)


def _class(piece: str) -> str:
    return CLASSES.get(unicodedata.bidirectional(piece[0]), "O") if piece else "O"
