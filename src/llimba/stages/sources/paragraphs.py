"""Paragraphs out of the lines of printed pages: columns in order, running heads out, hyphens at line ends joined.

A PDF holds letters at places. The libraries that rebuild its paragraphs (marker, docling) bring neural models of
gigabytes or other licences; what is here looks at places and sizes alone.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from llimba.stages.sources.extracted import characters

EDGE = 3  # lines at the top and at the bottom of a page among which a running head is looked for
LEAD = 1.35  # times the usual distance of lines: a gap between paragraphs
SPANNING = 0.4  # share of a page's lines that may cross the gap between its columns (titles, pictures' captions)
LONG = 15  # characters that lines of columns have and cells of tables lack
FILLED = 0.6  # of its column's width that a line of prose takes
VERSE = 0.6  # of the width: half of the lines of verse are shorter
PAGE_NUMBER = re.compile(r"\W*(?:\d{1,4}|[ivxlc]{1,7}|\w+\.? \d{1,4}(?: \w+ \d{1,4})?)\W*", re.IGNORECASE)
BULLET = re.compile(r"[•‣◦▪▫●○■□–—*-]\s|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s")
HYPHENS = "-‐\u00ad¬"


class Line(NamedTuple):
    """Text with its box (points, from the lower left corner of the page), the size of its letters and their font."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    font: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page's lines, in any order; of one that is read from right to left, as in a mirror."""

    width: float
    height: float
    lines: list[Line]


class Column(NamedTuple):
    """Rows that follow one another, and the margins they keep; verse seldom reaches the right one."""

    rows: list[Line]
    left: float
    right: float
    verse: bool


def rebuilt(pages: list[Page]) -> tuple[str, int]:
    """(text, a line a paragraph, heading or row of a table; characters of running heads and page numbers left out)."""
    running = _running(pages)
    sizes = Counter(round(line.size, 1) for page in pages for line in page.lines for _ in line.text)
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    columns: list[Column] = []
    notes: dict[int, list[Column]] = {}  # by the column that they come after
    for number, page in enumerate(pages):
        lines = [line for line in page.lines if (number, line) not in running]
        main, foot = _footnotes(lines, body)
        columns += _columns(main)
        if foot:
            notes[len(columns)] = _columns(foot)
    return "\n".join(_paragraphs(columns, notes)), sum(characters(line.text) for _, line in running)


def _running(pages: list[Page]) -> set[tuple[int, Line]]:
    """Heads, feet and page numbers: at the edge of their page, and the same at the same height of another."""
    edges: dict[tuple[str, int], list[tuple[int, Line]]] = {}
    for number, page in enumerate(pages):
        rows = _by_height(page.lines)
        for row in [*rows[:EDGE], *rows[-EDGE:]]:
            alone = row is rows[0] or row is rows[-1]
            for line in row:
                key = "#" if PAGE_NUMBER.fullmatch(line.text) else re.sub(r"\d+|\W+", "#", line.text.casefold())
                if not 0.25 < line.y0 / page.height < 0.75 and (alone or key.strip("#")):
                    edges.setdefault((key, round(line.y0 / 4)), []).append((number, line))
    found: set[tuple[int, Line]] = set()
    at: dict[int, set[int]] = {}
    for (_, height), places in edges.items():
        if len(numbers := {number for number, _ in places}) > 1:
            found.update(places)
            at.setdefault(height, set()).update(numbers)
    for (key, height), places in edges.items():  # a head that only one page has; the only page's number
        likely = key == "#" or len(at.get(height, ())) > len(pages) / 3
        number, line = places[0]
        if likely and len(places) == 1 and _outermost(pages[number], line, number, found):
            found.add((number, line))
    return found


def _by_height(lines: list[Line]) -> list[list[Line]]:
    """Lines from the top down, those of one height together."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: -line.y0):
        if rows and rows[-1][0].y0 - line.y0 < 3:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _outermost(page: Page, line: Line, number: int, running: set[tuple[int, Line]]) -> bool:
    """Whether a line is above or below all text of its page, and apart from it."""
    others = [each for each in page.lines if abs(each.y0 - line.y0) >= 3 and (number, each) not in running]
    return bool(others) and (
        line.y1 < min(each.y0 for each in others) - line.size / 2
        or line.y0 > max(each.y1 for each in others) + line.size / 2
    )


def _footnotes(lines: list[Line], body: float) -> tuple[list[Line], list[Line]]:
    """(text, the small print below it): a paragraph that runs over the page must not be cut by notes."""
    lowest = min((line.y0 for line in lines if line.size > 0.92 * body), default=0.0)
    foot = [line for line in lines if line.y1 < lowest + 1 and line.size <= 0.92 * body]
    return [line for line in lines if line not in foot], foot


def _columns(lines: list[Line]) -> list[Column]:
    """The lines in reading order, cut where columns side by side or what spans them begins."""
    gap = _gutter(lines)
    if gap is None:
        rows = _rows(lines)
        return [_column(rows)] if rows else []
    columns: list[Column] = []
    sides: tuple[list[Line], list[Line], list[Line]] = ([], [], [])  # left, right, spanning
    for line in [*sorted(lines, key=lambda line: -line.y1), None]:
        side = None if line is None else 0 if line.x1 <= gap else 1 if line.x0 >= gap else 2
        if side != 2 and sides[2]:
            columns += _columns(sides[2])
            sides[2].clear()
        if side in (2, None):
            for each in sides[:2]:
                columns += _columns(each)
                each.clear()
        if line is not None and side is not None:
            sides[side].append(line)
    return columns


def _column(rows: list[Line]) -> Column:
    """A column by its rows; the few that stick out of it do not widen it."""
    ends = sorted(row.x1 for row in rows)
    left, right = min(row.x0 for row in rows), ends[-1 if len(ends) < 20 else -len(ends) // 10]
    return Column(rows, left, right, len(rows) > 3 and median(ends) - left < VERSE * (right - left))


def _gutter(lines: list[Line]) -> float | None:
    """Where the page is white from top to bottom between lines of prose, but for what spans it."""
    if len(lines) < 6:
        return None
    best, fewest = None, SPANNING * len(lines)
    for x in sorted({round(line.x0) - 1.5 for line in lines}):
        left, right = [e for e in lines if e.x1 <= x], [e for e in lines if e.x0 >= x]
        crossing = len(lines) - len(left) - len(right)
        if crossing < fewest and all(_prose(side) for side in (left, right)) and _side_by_side(left, right):
            best, fewest = x, crossing
    return best


def _prose(lines: list[Line]) -> bool:
    """Lines of a column: long, and most of them full; cells of a table and page numbers are not."""
    if len(lines) < 3 or median(len(line.text) for line in lines) < LONG:
        return False
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    return median(line.x1 - line.x0 for line in lines) > FILLED * (right - left) or len(lines) > 20


def _side_by_side(left: list[Line], right: list[Line]) -> bool:
    low, high = max(min(e.y0 for e in s) for s in (left, right)), min(max(e.y1 for e in s) for s in (left, right))
    return high - low > 0.3 * min(max(e.y1 for e in s) - min(e.y0 for e in s) for s in (left, right))


def _rows(lines: list[Line]) -> list[Line]:
    """Lines from top to bottom; pieces at one height are one row, cells apart by a tab."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (-(line.y0 + line.y1) / 2, line.x0)):
        if rows and any(_level(each, line) for each in rows[-1]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_row(sorted(pieces, key=lambda piece: piece.x0)) for pieces in rows]


def _level(one: Line, other: Line) -> bool:
    """Whether two pieces stand at one height, a raised number and its line too."""
    small, large = sorted((one, other), key=lambda line: line.y1 - line.y0)
    return large.y0 < (small.y0 + small.y1) / 2 < large.y1


def _row(pieces: list[Line]) -> Line:
    main = max(pieces, key=lambda piece: len(piece.text))
    # the number of a note, drawn on its own
    pieces = [p for p in pieces if p is main or not (p.text.isdecimal() and p.size < 0.8 * main.size)]
    text = pieces[0].text
    for before, piece in pairwise(pieces):
        text += ("\t" if piece.x0 - before.x1 > 2.5 * main.size else " ") + piece.text
    return Line(text, pieces[0].x0, min(p.y0 for p in pieces), max(p.x1 for p in pieces), max(p.y1 for p in pieces),
                main.size, main.font)  # fmt: skip


def _paragraphs(columns: list[Column], notes: dict[int, list[Column]]) -> Iterator[str]:
    words = Counter(word for column in columns for row in column.rows for word in re.findall(r"[\w-]+\b", row.text))
    held, waiting = "", list[Column]()
    before: tuple[Column, Line] | None = None
    for number, column in enumerate(columns):
        waiting += notes.get(number, [])
        leads = [above.y0 - below.y0 for above, below in pairwise(column.rows)]
        usual = median(leads) if leads else 0.0
        for index, row in enumerate(column.rows):
            lead = leads[index - 1] if index else 0.0
            if before and _begins(before, column, row, lead, usual, index):
                yield held
                held = ""
                yield from _paragraphs(waiting, {}) if waiting else ()
                waiting = []
            held = _joined(held, row.text, words)
            before = column, row
    if held:
        yield held
    waiting += notes.get(len(columns), [])
    yield from _paragraphs(waiting, {}) if waiting else ()


def _begins(before: tuple[Column, Line], column: Column, row: Line, lead: float, usual: float, index: int) -> bool:
    """Whether a row begins a paragraph."""
    home, last = before
    if abs(row.size - last.size) > 0.08 * last.size or "\t" in row.text or "\t" in last.text:
        return True
    if last.text[-1:] in HYPHENS and last.text[-2:-1].isalpha() and row.text[:1].islower():
        return False
    if BULLET.match(row.text):
        return True
    if index and lead > LEAD * max(usual, row.size):
        return True
    indented = row.x0 - column.left > 0.8 * row.size
    was_indented = last.x0 - home.left > 0.8 * last.size
    continued = row.text[:1].islower()  # where letters have case
    if not continued and (home.verse or (indented and not was_indented)):
        return True
    # the next word would have fitted on the line before: it ends because its paragraph does
    first = len(re.split(r"\s", row.text, maxsplit=1)[0]) + 1
    width = (row.x1 - row.x0) / max(len(row.text), 1)
    if home.right - last.x1 > max(1.15 * first * width, 0.25 * (home.right - home.left) if continued else 0):
        return True
    return row.font != last.font and index > 0 and lead > 1.1 * usual > 0


def _joined(held: str, text: str, words: Counter[str]) -> str:
    """Two lines as one, the hyphen that only the line end made left out."""
    if not held:
        return text
    if held[-1] not in HYPHENS or not held[-2:-1].isalpha():
        return held + text if re.search(r"\S[–—/-]$|://\S*[.?=&_-]$", held) else f"{held} {text}"
    front, back = re.findall(r"[\w-]*$", held[:-1])[0], re.findall(r"^[\w-]*", text)[0]
    lower, upper = back[:1].islower(), held[-2].isupper() and back[:2].isupper()
    if not (lower or upper or (back[:1].isalpha() and not back[:1].isupper())):
        return held + text  # Nord-Est
    if held[-1] == "-" and words[f"{front}-{back}"] and not words[front + back]:
        return held + text
    return held[:-1] + text
