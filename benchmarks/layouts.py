"""Evaluation sentences planted in pages as layouts write them, for `benchmarks/corpus.py planted`.

Each layout takes a sentence with its two neighbours and a source of chance, and gives the part of a page that holds
them. What counts: nothing of the sentence is left to read, and nothing else of the page is gone.
"""

import random
import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

from llimba.languages.text import fold

Around = tuple[str, str, str]  # a neighbour, the evaluation sentence, a neighbour
LEFT = 5  # words of the sentence that may not be left together


def wrapped(around: Around, chance: random.Random) -> str:
    """A paragraph set in lines."""
    return textwrap.fill(" ".join(around), chance.randrange(30, 75), break_on_hyphens=False)


def hyphenated(around: Around, chance: random.Random) -> str:
    """A paragraph set in lines with its words broken at their ends, by a plain or a soft hyphen."""
    text, lines, hyphen = " ".join(around), [], chance.choice(["-", "-", "\u2010", "\u00ad"])
    while len(text) > 45:
        at = next((n for n in range(chance.randrange(28, 42), 0, -1) if text[n - 2 : n + 2].isalpha()), 0)
        if not at:
            at = text.find(" ", 30) + 1 or len(text)
            lines.append(text[:at].rstrip())
        else:
            lines.append(text[:at] + hyphen)
        text = text[at:]
    return "\n".join([*lines, text])


def cell(around: Around, chance: random.Random) -> str:
    """A table with the sentence in a cell."""
    one, other = chance.randrange(100), chance.randrange(100)
    return f"| {around[0]} | {one} |\n|---|---|\n| {other} | {around[1]} |\n\n{around[2]}"


def columns(around: Around, chance: random.Random) -> str:
    """A table whose cells have several lines, beside another column."""
    lines = textwrap.wrap(around[1], 28, break_on_hyphens=False)
    other = textwrap.wrap(around[2], 24, break_on_hyphens=False)[: len(lines)]
    other += [""] * (len(lines) - len(other))
    rows = [f"| {one:28} | {two:24} |" for one, two in zip(lines, other, strict=True)]
    return "\n".join([around[0], *rows])


def page_head(around: Around, chance: random.Random) -> str:
    """A paragraph that a page break divides: a page number, a running head, empty lines."""
    words = around[1].split()
    at = chance.randrange(len(words) // 4 + 1, max(len(words) // 4 + 2, len(words) - len(words) // 4))
    head = chance.choice(["ISTÒRIA DE SA BIDDA", "12 Contos antigos", "Capìtulu segundu \u2014 Su mare"])
    broken = chance.choice(["\n\n{n}\n\n{head}\n\n", "\n{head}\n", "\n{n}\n\f{head}\n"])
    between = broken.format(n=chance.randrange(1, 400), head=head)
    return f"{around[0]} {' '.join(words[:at])}{between}{' '.join(words[at:])} {around[2]}"


def page_head_in_a_word(around: Around, chance: random.Random) -> str:
    """The same where the last word of the page is broken."""
    sentence = around[1]
    middle = [n for n in range(len(sentence) // 4, 3 * len(sentence) // 4) if sentence[n - 2 : n + 2].isalpha()]
    at = chance.choice(middle or [sentence.find(" ", len(sentence) // 2)])
    return f"{around[0]} {sentence[:at]}-\n\n{chance.randrange(400)}\nSU MARE\n\n{sentence[at:]} {around[2]}"


def joined(around: Around, chance: random.Random) -> str:
    """In the middle of a line, with or without a space after the stops."""
    return chance.choice([" ", " ", ""]).join(part if part[-1] in ".!?" else f"{part}." for part in around)


def respelled(around: Around, chance: random.Random) -> str:
    """As another writer spells it: consonants doubled, k for ch, no accents, sometimes capitals."""
    sentence = fold_accents(around[1])
    for old, new in (("ch", "k"), ("tz", "z"), ("t", "tt"), ("p", "pp")):
        if chance.random() < 0.6:
            sentence = sentence.replace(old, new)
    return "\n".join([around[0], sentence.upper() if chance.random() < 0.2 else sentence, around[2]])


def fold_accents(sentence: str) -> str:
    """Accents typed as apostrophes, or left out."""
    for accented, plain in zip("àèìòù", "aeiou", strict=True):
        sentence = sentence.replace(accented, f"{plain}'")
    return sentence


LAYOUTS: dict[str, Callable[[Around, random.Random], str]] = {
    "wrapped": wrapped, "hyphenated": hyphenated, "in a table's cell": cell, "in a cell of several lines": columns,
    "split by a page head": page_head, "split in a word by a page head": page_head_in_a_word,
    "joined with its neighbours": joined, "spelled otherwise": respelled,
}  # fmt: skip


class Planted(NamedTuple):
    """A page with an evaluation sentence in it."""

    layout: str
    text: str
    sentence: str
    others: list[str]  # every other sentence of the page


def plant(pages: Sequence[list[str]], sentences: Sequence[str], places: int, chance: random.Random) -> list[Planted]:
    """`places` pages in each layout."""
    made = []
    for layout, write in LAYOUTS.items():
        for number in range(places):
            lines = list(pages[chance.randrange(len(pages))])
            at, sentence = chance.randrange(1, len(lines)), sentences[number % len(sentences)]
            part = write((lines[at - 1], sentence, lines[at]), chance)
            text = "\n".join([*lines[: at - 1], part, *lines[at + 1 :]])
            made.append(Planted(layout, text, sentence, lines))
    return made


def read(text: str) -> str:
    """The letters of a text, as its words are put together again."""
    return fold(text.replace("-\n", "").replace("\u2010\n", "").replace("\u00ad\n", "")).replace(" ", "")


def left(planted: Planted, kept: str) -> bool:
    """Whether words of the sentence are still there together, that no other sentence of the page has too."""
    words, letters = fold(planted.sentence).split(), read(kept)
    runs = ("".join(words[at : at + LEFT]) for at in range(max(1, len(words) - LEFT + 1)))
    return any(run in letters and run not in read("\n".join(planted.others)) for run in runs)


def lost(planted: Planted, kept: str) -> int:
    """How many other sentences of the page are not whole any more."""
    letters = read(kept)
    before = read(planted.text)
    return sum(read(line) in before and read(line) not in letters for line in planted.others)
