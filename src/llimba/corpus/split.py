"""What is set aside to be scored on: sources with `role: evaluate`, and a share of the rest chosen by hash.

The choice depends on seed and record id alone, so it survives growth and reordering of the data.
"""

from collections.abc import Sequence

from llimba.files import stable_fraction
from llimba.recipe import CorpusSection
from llimba.records import Document, Pair
from llimba.text import fold


def held_out_pairs(pairs: Sequence[Pair], settings: CorpusSection, seed: int) -> set[str]:
    """Ids of the training pairs to set aside: long enough on every side, in all of their source's languages, unique."""
    languages: dict[str, set[str]] = {}
    for pair in pairs:
        languages.setdefault(pair.source, set()).update(pair.texts)
    chosen: set[str] = set()
    seen: set[str] = set()
    for pair in pairs:
        if stable_fraction(str(seed), pair.id) >= settings.held_out_pairs or set(pair.texts) != languages[pair.source]:
            continue
        if min(len(text.split()) for text in pair.texts.values()) < settings.min_held_out_words:
            continue
        sides = {fold(text) for text in pair.texts.values()}
        if len(sides) == len(pair.texts) and not sides & seen:  # equal sides would reward a copy
            chosen.add(pair.id)
            seen |= sides
    return chosen


def held_out_documents(documents: Sequence[Document], language: str, settings: CorpusSection, seed: int) -> set[str]:
    """Ids of the training documents in `language` to set aside."""
    return {
        document.id
        for document in documents
        if document.language == language and stable_fraction(str(seed), document.id) < settings.held_out_documents
    }
