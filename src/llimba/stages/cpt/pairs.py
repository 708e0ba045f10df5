"""Aligned pairs as documents to pretrain on: a few consecutive sentences, each followed by its translation.

A model learns to translate in the directions that it has read (arXiv 2407.03145, 2506.13044), so every direction that
the recipe names is written out for itself, in the words of the completion prompt that evaluation asks with. The pairs
are the corpus stage's, so what is scored on is not among them.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice

from llimba.languages.profile import Language
from llimba.languages.prompts import completion_document, split_direction
from llimba.recipe import PAIRS, PairDocuments
from llimba.records import Document, Pair
from llimba.stages.cpt.tags import Tags

CARRIED = ("source", "license", "provenance", "variety", "norm", "origin", "engine")


def pair_documents(
    pairs: Iterable[Pair], settings: PairDocuments, language: Language, tags: Tags
) -> Iterator[Document]:
    """Documents of `rows_per_document` consecutive pairs of one source, one for each direction; the last may be short.

    Pairs come in the order of their source's rows. A pair without one of a direction's languages is left out of it.
    """
    for source, of_source in groupby(pairs, key=lambda pair: pair.source):
        if settings.sources and source not in settings.sources:
            continue
        while rows := list(islice(of_source, settings.rows_per_document)):
            for direction in settings.directions:
                one, other = split_direction(direction)
                both = [pair for pair in rows if one in pair.texts and other in pair.texts]
                if both:
                    yield _document(both, direction, language, tags)


def _document(rows: list[Pair], direction: str, language: Language, tags: Tags) -> Document:
    one, other = split_direction(direction)
    first = rows[0]
    name = f"{PAIRS}:{direction}:{first.id}"
    solved = ((pair.texts[one], pair.texts[other], tags.of(pair, name)) for pair in rows)
    return Document(
        id=name,
        text=completion_document(language, direction, solved),
        language=PAIRS,
        **{name: getattr(first, name) for name in CARRIED},
    )
