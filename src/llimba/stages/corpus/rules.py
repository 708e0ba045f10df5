"""Why a record is rejected: each rule is a function from a record to a rejection, or None."""

from dataclasses import asdict
from typing import NamedTuple

import xxhash

from llimba.languages.text import fold, words
from llimba.manifest import Json
from llimba.recipe import CorpusSection
from llimba.records import Document, Pair, Record


class Rejection(NamedTuple):
    """A rule, what it measured, and what it allows."""

    rule: str
    value: str | float
    threshold: str | float
    beside: str = ""  # the record that it was compared with, and that stays

    def row(self, record: Record) -> Json:
        """A row of `rejected.jsonl`: nothing is dropped without a reason and a place."""
        return {**self._asdict(), "record": asdict(record)}


CONTAMINATED = Rejection("contaminated", "see contamination.jsonl", "none")


def too_short(document: Document, min_words: int) -> Rejection | None:
    """Fewer words than `min_words`."""
    length = len(words(document.text))
    return Rejection("too short", length, min_words) if length < min_words else None


def wrong_label(document: Document, settings: CorpusSection) -> Rejection | None:
    """In none of the written norms, or none of the varieties, that the recipe asks for."""
    for rule, said, asked in (
        ("norm", document.norm, settings.norms),
        ("variety", document.variety, settings.varieties),
    ):
        if asked and said not in asked:
            return Rejection(rule, said or "not recognised", ", ".join(asked))
    return None


class Duplicates:
    """Remembers the pairs that it has seen, folded, as 64-bit hashes; the first of several equal ones is kept."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def pair(self, pair: Pair) -> Rejection | None:
        """A pair equal to an earlier one on all sides."""
        key = "\x1f".join(f"{language}={fold(text)}" for language, text in sorted(pair.texts.items()))
        digest = xxhash.xxh3_64_intdigest(key.encode())
        if digest in self._seen:
            return Rejection("duplicate", "an earlier pair", "one copy")
        self._seen.add(digest)
        return None
