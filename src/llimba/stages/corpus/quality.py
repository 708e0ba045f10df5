"""Is a document a page of running text? The thresholds of the rules are in the language profile, and nowhere else.

The measures are those of Gopher (Rae et al. 2021) and FineWeb (Penedo et al. 2024). datatrove has both as filters, but
with English stop words and thresholds, with word tokenizers that a small language lacks, and without
the value that a document was rejected for.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from llimba.languages.profile import Quality
from llimba.languages.text import repeated_words
from llimba.stages.corpus.rules import Rejection

JUDGED_FROM = 20  # words: shares of a shorter text say little
LISTED_FROM = 5  # lines: below that a list is no list

PUNCTUATION = ".,;:!?'\"()-–—…«»“”„‘’¿¡·/"
BULLET = re.compile(r"\s*(?:[-*•·–—▪◦○●■□»>]|\d+[.)])\s")
ENDED = re.compile(r"[.!?…:;,\"'»”’)\]]$")
SPACE, LOWER, UPPER, DIGIT, MARK, SYMBOL = range(6)  # classes of characters; LOWER is any letter that is no capital


class Measured(NamedTuple):
    """What the rules need of a text, counted once."""

    text: str
    lines: list[str]
    words: list[str]
    letters: int
    capitals: int
    runs: int  # of letters: words, whatever is between them
    visible: int  # characters that are not spaces, at least 1
    digits: int
    symbols: int


def measure(text: str) -> Measured:
    """Count the characters of a text once, for all rules."""
    import numpy as np

    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    classes = _classes()[np.minimum(codes, 0xFFFF)]
    beyond = np.flatnonzero(codes > 0xFFFF)  # a few scripts, and emoji
    classes[beyond] = [_class(text[at]) for at in beyond.tolist()]
    counts = np.bincount(classes, minlength=6)
    letter = (classes == LOWER) | (classes == UPPER)
    runs = int(letter[:1].sum() + (letter[1:] & ~letter[:-1]).sum())
    return Measured(
        text, text.split("\n"), text.split(), int(counts[LOWER] + counts[UPPER]), int(counts[UPPER]), runs,
        max(1, len(codes) - int(counts[SPACE])), int(counts[DIGIT]), int(counts[SYMBOL]),
    )  # fmt: skip


def _class(character: str) -> int:
    if character.isspace():
        return SPACE
    if character.isalpha():
        return UPPER if character.isupper() else LOWER
    if character.isdigit():
        return DIGIT
    return MARK if character in PUNCTUATION else SYMBOL


@lru_cache
def _classes() -> Any:
    """The class of each of the first 65,536 characters: asking the table is ten times as fast as asking each."""
    import numpy as np

    return np.array([_class(chr(code)) for code in range(0x10000)], "u1")


Rule = tuple[str, Callable[[Measured, str], float], str, bool]  # name, measure, threshold, whether it is a minimum


def _share(count: float, of: float) -> float:
    return count / of if of else 0.0


RULES: tuple[Rule, ...] = (
    ("words too short", lambda m, _: _share(m.letters, m.runs), "min_mean_word", True),
    ("words too long", lambda m, _: _share(m.letters, m.runs), "max_mean_word", False),
    ("symbols", lambda m, _: m.symbols / m.visible, "max_symbol_share", False),
    ("digits", lambda m, _: m.digits / m.visible, "max_digit_share", False),
    ("foreign letters", lambda m, alphabet: _in_alphabet(m, alphabet), "min_alphabet_share", True),
    ("capitals", lambda m, _: _share(m.capitals, m.letters), "max_capital_share", False),
    ("repetition", lambda m, _: repeated_words(m.words), "max_repeated_words", False),
    ("a list", lambda m, _: _listed(m.lines), "max_list_lines", False),
    ("no sentences", lambda m, _: _share(sum(bool(ENDED.search(x)) for x in m.lines), len(m.lines)),
     "min_ended_lines", True),
)  # fmt: skip


def judge(text: str, quality: Quality, alphabet: str) -> Rejection | None:
    """The first rule that a text breaks; None for a good page, and for one too short to be judged.

    `alphabet` holds the language's letters in lower case; empty where it is not known, and then any letter will do.
    """
    measured = measure(text)
    if len(measured.words) < JUDGED_FROM:
        return None
    for name, value_of, field, minimum in RULES:
        value, threshold = round(value_of(measured, alphabet), 4), getattr(quality, field)
        if value < threshold if minimum else value > threshold:
            return Rejection(name, value, threshold)
    return None


def _in_alphabet(measured: Measured, alphabet: str) -> float:
    if not alphabet or not measured.letters:
        return 1.0
    return sum(map(measured.text.lower().count, alphabet)) / measured.letters


def _listed(lines: list[str]) -> float:
    if len(lines) < LISTED_FROM:
        return 0.0
    return sum(bool(BULLET.match(line)) for line in lines) / len(lines)
