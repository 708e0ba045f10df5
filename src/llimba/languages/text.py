"""Words and folded text: the one place that cuts text into words, whatever its script; pure functions.

Most scripts put spaces between words. Thai, Lao, Khmer, Burmese, Chinese and Japanese do not, and ICU (icu4py) finds
their words with its dictionaries, by Unicode's rules of segmentation (UAX #29). The scripts without spaces that ICU has
no dictionary for (Javanese, Balinese, Tai Tham ...) are counted by grapheme clusters, Tibetan by syllables.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import regex

RUN = 4  # words of a run that counts as repeated
LONGEST = 12  # grapheme clusters of a word without spaces; what is longer, no dictionary has found a word in
# what only a text with other than European letters holds (and emoji): most texts have none, and are done at the speed
# of `re`, which is fast on classes of 16 bits
BEYOND = re.compile(
    "[^\x00-\u058f\u1d00-\u2d2f\u2e00-\u2e30\u2e32-\u2e7f\ua640-\ua7ff\uab30-\uab6f\ufb00-\ufb1c\ufe00-\ufe6f\ufffd]"
)
UNSPACED = regex.compile(
    r"[[[\p{LB=SA}\p{LB=ID}\p{LB=CJ}\p{LB=NS}\p{LB=AK}\p{LB=AP}\p{LB=AS}]&&\p{Alphabetic}]--[\p{Hangul}\p{Latin}]]",
    regex.V1,
)
WORD = regex.compile(r"\w+")  # of the package regex: marks belong to words
# spaces that are visible: between words in Ethiopic and old scripts, between syllables in Tibetan
SEPARATORS = "\u0f0b\u0f0c\u1361\u2e31\U00010100\U00010101\U0001039f\U000103d0\U0001091f\U0001123a\U00011c43\U00012470"
SPACES = str.maketrans(dict.fromkeys(SEPARATORS, " "))
# what two spellings of a word may differ in: accents, vowel points, nuktas, tatweel and what cannot be seen; the vowel
# signs of Indic scripts and of Thai are letters in all but name, and stay
OPTIONAL = regex.compile(
    r"[[\p{M}&&[\p{Inherited}\p{Hebrew}\p{Arabic}\p{Syriac}\p{Latin}\p{Greek}\p{Cyrillic}\p{CCC=7}]]"
    r"\p{Default_Ignorable_Code_Point}\u0640]+",
    regex.V1,
)
MARKS = regex.compile(r"\p{M}+")
PUNCTUATION = str.maketrans({chr(code): " " for code in range(128) if not re.match(r"\w", chr(code))})


def words(text: str) -> list[str]:
    """The words of a text: what stands between spaces, with its punctuation; cut further where a script has no spaces.

    Signs of punctuation between words of a script without spaces are no words, and are left out.
    """
    if not BEYOND.search(text):
        return text.split()
    found: list[str] = []
    for piece in text.translate(SPACES).split():
        found += _unspaced(piece) if UNSPACED.search(piece) else [piece]
    return found


def first_words(text: str, count: int) -> str:
    """The beginning of a text that holds `count` words, as it is written, on one line."""
    line, end = " ".join(text.split()), 0
    for word in words(line)[:count]:
        end = line.index(word, end) + len(word)
    return line[:end]


def fold(text: str) -> str:
    """What two spellings of one sentence have in common: no case, accents, punctuation or spacing; a space a word.

    For comparison only (duplicates, contamination); folded text is never trained on.
    """
    if text.isascii():
        return " ".join(text.lower().translate(PUNCTUATION).split())
    if not BEYOND.search(text):
        return " ".join(re.findall(r"\w+", MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))))
    spaced = " ".join(words(text)).casefold()
    return " ".join(WORD.findall(OPTIONAL.sub("", unicodedata.normalize("NFKD", spaced))))


def repeated_words(words: list[str]) -> float:
    """The share of words that stand in a run of `RUN` words which stood earlier in the same document."""
    runs = list(zip(*(words[start:] for start in range(RUN)), strict=False))
    if len(set(runs)) == len(runs):
        return 0.0
    seen: set[tuple[str, ...]] = set()
    repeated = bytearray(len(words))
    for start, run in enumerate(runs):
        if run in seen:
            repeated[start : start + RUN] = b"\x01" * RUN
        seen.add(run)
    return sum(repeated) / len(words)


def _unspaced(piece: str) -> Iterator[str]:
    """The words of a piece without spaces; what no dictionary knows, by clusters."""
    for word in _breaker()(piece.replace("\u200b", ""), "und"):
        if not WORD.search(word):
            continue
        clusters = regex.findall(r"\X", word) if len(word) > LONGEST and UNSPACED.search(word) else [word]
        yield from clusters if len(clusters) > LONGEST else [word]


@lru_cache
def _breaker() -> Any:
    from icu4py.breakers import WordBreaker

    return WordBreaker
