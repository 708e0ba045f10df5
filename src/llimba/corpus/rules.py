"""Why a record is turned away: each rule is a function from a record to a rejection, or None."""

from typing import NamedTuple

from llimba.records import Document, Pair
from llimba.text import fold


class Rejection(NamedTuple):
    """A rule, what it measured, and what it allows."""

    rule: str
    value: str | int
    threshold: str | int


def too_short(document: Document, min_words: int) -> Rejection | None:
    """Fewer words than `min_words`."""
    words = len(document.text.split())
    return Rejection("too short", words, min_words) if words < min_words else None


class Duplicates:
    """Remembers what it has seen, folded; the first of several equal texts is kept."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], str] = {}

    def document(self, document: Document) -> Rejection | None:
        """A document equal to an earlier one of its language."""
        return self._check((document.language, fold(document.text)), document.id)

    def pair(self, pair: Pair) -> Rejection | None:
        """A pair equal to an earlier one on all sides."""
        key = "\x1f".join(f"{language}={fold(text)}" for language, text in sorted(pair.texts.items()))
        return self._check(("pair", key), pair.id)

    def line(self, language: str, line: str) -> bool:
        """Whether this very line stood in an earlier document of the language: menus, buttons, boilerplate."""
        return self._check((f"line {language}", line), "line") is not None

    def _check(self, key: tuple[str, str], identifier: str) -> Rejection | None:
        if key in self._seen:
            return Rejection("duplicate", self._seen[key], "one copy")
        self._seen[key] = identifier
        return None
