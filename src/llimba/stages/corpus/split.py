"""What is held out to be scored on: sources with `role: evaluate`, and a share of the rest chosen by hash.

The choice depends on seed and record id alone, so it survives growth and reordering of the data.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from llimba.files import stable_fraction
from llimba.languages.text import fold, words
from llimba.recipe import CorpusSection
from llimba.records import Document, Pair


def held_out_pairs(read: Callable[[], Iterable[Pair]], settings: CorpusSection, seed: int) -> set[str]:
    """Ids of the training pairs to hold out: long enough on every side, in all of their source's languages, unique.

    `read` gives the pairs anew at every call; two passes, never all in memory.
    """
    chosen: set[str] = set()
    if not settings.held_out_pairs:
        return chosen
    languages: dict[str, set[str]] = {}
    for pair in read():
        if pair.role == "train":
            languages.setdefault(pair.source, set()).update(pair.texts)
    seen: set[str] = set()
    for pair in read():
        if pair.role != "train" or set(pair.texts) != languages[pair.source]:
            continue
        if stable_fraction(str(seed), pair.id) >= settings.held_out_pairs:
            continue
        if min(len(words(text)) for text in pair.texts.values()) < settings.min_held_out_words:
            continue
        sides = {fold(text) for text in pair.texts.values()}
        if len(sides) == len(pair.texts) and not sides & seen:  # equal sides would reward a copy
            chosen.add(pair.id)
            seen |= sides
    return chosen


def held_out(document: Document, language: str, settings: CorpusSection, seed: int) -> bool:
    """Whether a training document in `language` is held out."""
    share = settings.held_out_documents
    return bool(share) and document.language == language and stable_fraction(str(seed), document.id) < share


def scored_documents(pairs: Iterable[Pair], documents: Iterable[Document]) -> list[Document]:
    """Documents for bits per byte: each side of the evaluation pairs, put together by the text they come from."""
    texts: dict[tuple[str, str, str], list[Pair]] = {}
    for pair in pairs:
        for language in pair.texts:
            texts.setdefault((pair.source, pair.document, language), []).append(pair)
    joined = []
    for (source, name, language), parts in texts.items():
        first = parts[0]
        joined.append(
            Document(
                id=f"{source}:{language}:{name}", source=source, license=first.license, provenance=first.provenance,
                variety=first.variety, norm=first.norm, origin=first.origin, role="evaluate", language=language,
                text="\n".join(part.texts[language] for part in parts),
            )
        )  # fmt: skip
    return joined + [replace(document, role="evaluate") for document in documents]
