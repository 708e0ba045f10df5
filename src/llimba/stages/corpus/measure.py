"""What the rules of quality need to know of a text, counted once, by properties of Unicode and so in every script.

Marks and joiners belong to words. Words of scripts without spaces are those of `languages/text.py`, and their letters
count in no mean length of a word. Punctuation is that of all scripts.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import regex

from llimba.languages.text import UNSPACED, words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Bytes: TypeAlias = npt.NDArray[np.uint8]

# classes of characters; LOWER is any letter that is no capital, MARK whatever belongs to the letter before it
SPACE, LOWER, UPPER, DIGIT, SIGN, SYMBOL, MARK, SOLID = range(8)  # SOLID: a letter of a script without spaces
TABLE_END = 0x32000  # beyond the last ideograph: few characters there, most of them variation selectors

SIGNS = regex.compile(
    r"[.,;:!?'\"()\-–—…«»“”„‘’¿¡·/・･]|[\p{Terminal_Punctuation}\p{Quotation_Mark}\p{Dash}]"
    r"|[[\p{Ps}\p{Pe}\p{Pi}\p{Pf}]--[\x00-\x7f]]|[\p{P}--\p{Common}]",
    regex.V1,
)
MARKS = regex.compile(r"[\p{M}\p{Cf}]")
DIGITS = regex.compile(r"\p{N}")
CHEROKEE = regex.compile(r"\p{Cherokee}")  # written in what Unicode calls capitals
LETTERS = regex.compile(r"\p{Alphabetic}")
# scripts whose sentences end with a space
ENDLESS = regex.compile(r"[[\p{Thai}\p{Lao}\p{Lana}\p{Tavt}\p{Talu}\p{Tale}]&&\p{L}]", regex.V1)


class Measured(NamedTuple):
    """Counts of one text."""

    text: str
    lines: list[str]
    words: list[str]
    letters: int
    capitals: int
    spaced: int  # letters of scripts that put spaces between words
    runs: int  # of those letters: words, whatever is between them
    endless: int  # letters of scripts whose sentences end without a sign
    visible: int  # characters that are not spaces, at least 1
    digits: int
    symbols: int


def measure(text: str) -> Measured:
    """Count the characters of a text once, for all rules."""
    import numpy as np

    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    classes = _classes()[np.minimum(codes, TABLE_END)]
    counts = np.bincount(classes, minlength=8)
    letter = (classes == LOWER) | (classes == UPPER)
    within = letter | (classes == MARK)
    runs = int(letter[:1].sum() + (letter[1:] & ~within[:-1]).sum())
    spaced, solid = int(counts[LOWER] + counts[UPPER]), int(counts[SOLID])
    return Measured(
        text, text.split("\n"), words(text), spaced + solid, int(counts[UPPER]), spaced, runs,
        len(ENDLESS.findall(text)) if solid else 0,
        max(1, len(codes) - int(counts[SPACE])), int(counts[DIGIT]), int(counts[SYMBOL]),
    )  # fmt: skip


def in_script(text: str, letters: str) -> int:
    """How many letters of a text are in an alphabet: its letters in lower case, or scripts of Unicode (`\\p{Deva}`)."""
    if letters.startswith("\\p"):
        return len(_of_scripts(letters).findall(text))
    small = text.lower()
    return sum(map(small.count, _alphabet(letters)))


@lru_cache
def _of_scripts(letters: str) -> "regex.Pattern[str]":
    return regex.compile(rf"[[{letters}]&&[\p{{L}}]]", regex.V1)


@lru_cache
def _alphabet(letters: str) -> frozenset[str]:
    """Its letters as they are in normal form; marks are counted with no letter."""
    from unicodedata import normalize

    return frozenset(character for character in normalize("NFC", letters) if character.isalpha())


@lru_cache
def _classes() -> "Bytes":
    """The class of each character below `TABLE_END`, and of any other: asking a table is ten times as fast."""
    import numpy as np

    every = "".join(map(chr, range(TABLE_END)))
    table = np.full(TABLE_END + 1, SYMBOL, "u1")
    table[TABLE_END] = MARK

    def put(found: "regex.Pattern[str]", into: int) -> None:
        table[[match.start() for match in found.finditer(every)]] = into

    put(SIGNS, SIGN)
    put(DIGITS, DIGIT)
    put(MARKS, MARK)
    put(regex.compile(r"\s"), SPACE)
    put(regex.compile(r"\p{L}"), LOWER)
    put(regex.compile(r"[\p{Lu}\p{Lt}]"), UPPER)
    put(CHEROKEE, LOWER)
    put(regex.compile(rf"[{UNSPACED.pattern}&&\p{{L}}]", regex.V1), SOLID)
    return table
