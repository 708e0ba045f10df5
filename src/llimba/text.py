"""Text made uniform without touching anybody's spelling; pure functions."""

import re
import unicodedata

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
APOSTROPHES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "`": "'", "\u00b4": "'"})


def normalize(text: str) -> str:
    """NFC, no invisible or control characters, one space between words, no empty lines; newlines stay.

    Apostrophes become the plain one, since the same word is otherwise spelled in two ways by two keyboards.
    """
    text = INVISIBLE.sub("", unicodedata.normalize("NFC", text)).translate(APOSTROPHES)
    lines = (" ".join(_printable(line).split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _printable(line: str) -> str:
    return "".join(" " if unicodedata.category(character) == "Cc" else character for character in line)


def fold(text: str) -> str:
    """What two spellings of one sentence have in common: no case, accents, punctuation or spacing.

    For comparison only (duplicates, contamination); folded text is never trained on.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", letters))
