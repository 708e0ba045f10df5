"""Text made uniform without touching anybody's spelling; pure functions."""

import re
import unicodedata

import regex

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # category Cc but the newline
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
APOSTROPHES = re.compile("['\u2018\u2019\u02bc`\u00b4]")
RUN = 4  # words of a run that counts as repeated
MARKS = regex.compile(r"\p{M}+")
PUNCTUATION = str.maketrans({chr(code): " " for code in range(128) if not re.match(r"\w", chr(code))})


def normalize(text: str, apostrophe: str = "'") -> str:
    """NFC, no invisible or control characters, one space between words, no empty lines; newlines stay.

    Apostrophes become the language's one, since the same word is otherwise spelled in two ways by two keyboards.
    Quotation marks stay as they are: they are no spelling, and their styles are worth knowing.
    """
    text = INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    text = APOSTROPHES.sub(apostrophe, text)
    lines = (" ".join(line.split()) for line in CONTROL.sub(" ", text).split("\n"))
    return "\n".join(line for line in lines if line)


def fold(text: str) -> str:
    """What two spellings of one sentence have in common: no case, accents, punctuation or spacing.

    For comparison only (duplicates, contamination); folded text is never trained on.
    """
    letters = text.lower()
    if not letters.isascii():
        letters = MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    words = letters.translate(PUNCTUATION).split() if letters.isascii() else re.findall(r"\w+", letters)
    return " ".join(words)


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
