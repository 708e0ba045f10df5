"""Lines that are not in the language of their document: an Italian quotation leaves a Sardinian page, the page stays.

The identifier learns from the sources that the recipe trusts (`corpus.identify`) and looks at the others' documents in
the language to be learned. A line counts as foreign only where it is surely in another of the languages learned from:
what is too short or odd to tell stays with its page.
"""

import heapq
from collections.abc import Iterable, Sequence

import xxhash

from llimba.languages.identify.fasttext import AnyIdentifier
from llimba.languages.identify.identifier import OTHER, Identifier
from llimba.recipe import Recipe
from llimba.records import Document, Pair

SAMPLE = 6000  # lines of each language to learn from; the identifier takes no more


class Sample:
    """The `SAMPLE` different lines of each language with the smallest hashes: the same whatever the order, and flat."""

    def __init__(self) -> None:
        self._heaps: dict[str, list[tuple[int, str]]] = {}
        self._held: dict[str, set[str]] = {}

    def add(self, language: str, lines: Iterable[str]) -> None:
        """Look at more lines."""
        heap, held = self._heaps.setdefault(language, []), self._held.setdefault(language, set())
        for line in lines:
            if not line.strip() or line in held:
                continue
            entry = (-xxhash.xxh3_64_intdigest(line.encode()), line)
            if len(heap) < SAMPLE:
                heapq.heappush(heap, entry)
            elif entry > heap[0]:
                held.discard(heapq.heapreplace(heap, entry)[1])
            else:
                continue
            held.add(line)

    def texts(self) -> dict[str, list[str]]:
        """The lines of every language, in the order of their hashes."""
        return {language: [line for _, line in sorted(heap, reverse=True)] for language, heap in self._heaps.items()}


def learn(recipe: Recipe, documents: Iterable[Document], pairs: Iterable[Pair]) -> Identifier | None:
    """An identifier trained on the trusted sources' lines and sides; None where the recipe trusts none."""
    trusted = set(recipe.corpus.identify)
    if not trusted:
        return None
    sample = Sample()
    for document in documents:
        if document.source in trusted and document.role == "train":
            sample.add(document.language, document.text.split("\n"))
    for pair in pairs:
        if pair.source in trusted and pair.role == "train":
            for language, text in pair.texts.items():
                sample.add(language, [text])
    return Identifier.train(sample.texts(), recipe.profile.code, recipe.seed)


def foreign_lines(documents: Sequence[Document], identifier: AnyIdentifier) -> list[dict[str, str]]:
    """Of each document the lines that are surely in another language, and in which."""
    found = []
    for document, labelled in zip(documents, identifier.paragraphs([d.text for d in documents]), strict=True):
        sure = ((line, label.language) for line, label in labelled if label.language != OTHER)
        found.append({line: language for line, language in sure if language != document.language})
    return found
