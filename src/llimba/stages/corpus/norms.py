"""Which written norm and variety a text shows, where its source does not say: counted markers, no guess."""

import re
from collections.abc import Mapping, Sequence

import regex

from llimba.languages.text import BEYOND, words

LETTERS, LATIN = (package.compile(r"[^\W\d_]+") for package in (regex, re))  # marks are letters to regex; re is fast
ENOUGH = 3  # markers in a text, before it is labelled
AGREED = 0.8  # of the markers found


def marked(text: str, markers: Mapping[str, Sequence[str]]) -> str:
    """The label most of whose markers stand in the text; empty where too few do, or where they disagree.

    A marker that several labels share counts for each of them, and so decides nothing between them.
    """
    if not markers:
        return ""
    small = text.lower()
    written = LETTERS.findall(" ".join(words(small))) if BEYOND.search(small) else LATIN.findall(small)
    found = {label: sum(map(set(of).__contains__, written)) for label, of in markers.items()}
    known = {word for of in markers.values() for word in of}
    total = sum(map(known.__contains__, written))
    best = max(found, key=found.__getitem__)
    return best if total >= ENOUGH and found[best] >= AGREED * total else ""
