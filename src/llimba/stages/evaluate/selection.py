"""Which sentences and texts a score rests on: the same for every system, spread over the sources, fixed by hash."""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from llimba.errors import StageError
from llimba.files import stable_fraction
from llimba.languages.prompts import split_direction
from llimba.languages.text import words
from llimba.recipe import EvaluateSection
from llimba.records import Document, Pair

R = TypeVar("R", Document, Pair)
EXAMPLE_WORDS, LONG = 6, 60  # the shortest side of an example pair, and the longest


def sentences(pairs: Iterable[Pair], settings: EvaluateSection, seed: int) -> dict[str, list[Pair]]:
    """Pairs to translate, by direction: at most `max_words` on either side and `max_sentences`, sources in turn.

    Raises `StageError` for a direction without a single sentence.
    """
    ranked = _in_turn(sorted(pairs, key=lambda pair: stable_fraction(str(seed), pair.id)))
    chosen: dict[str, list[Pair]] = {}
    for direction in settings.directions:
        codes = split_direction(direction)
        fitting = [
            pair
            for pair in ranked
            if all(pair.texts.get(code) for code in codes)
            and (settings.max_words is None or _longest(pair, codes) <= settings.max_words)
        ]
        if not fitting:
            raise StageError(
                f"evaluate.directions: there is no sentence to score {direction} on. Add a source with role: evaluate "
                f"in "
                "both languages, or set corpus.held_out_pairs; or raise evaluate.max_words."
            )
        chosen[direction] = fitting[: settings.max_sentences]
    return chosen


def references(pairs: Iterable[Pair], settings: EvaluateSection, seed: int) -> dict[str, list[Pair]]:
    """Pairs whose reference is scored after its source, by direction: as for `sentences`, but up to `max_bytes`.

    It costs no generation, so it rests on more than the answers do. Empty where the recipe does not ask for it.
    """
    if not settings.translation_bits_per_byte:
        return {}
    fitting = sentences(pairs, settings.model_copy(update={"max_sentences": None}), seed)
    chosen: dict[str, list[Pair]] = {}
    for direction, ranked in fitting.items():
        target, size = split_direction(direction)[1], 0
        chosen[direction] = []
        for pair in ranked:
            size += len(pair.texts[target].encode())
            if chosen[direction] and settings.max_bytes is not None and size > settings.max_bytes:
                break
            chosen[direction].append(pair)
    return chosen


def few_shot(pairs: Iterable[Pair], settings: EvaluateSection, seed: int) -> dict[str, list[Pair]]:
    """The example pairs of each direction, from the pairs that are trained on: no scored sentence is among them.

    The same ones for every sentence and model, at most `max_words` a side where that is set, whole sentences of six
    words or more. Raises `StageError` for a direction with too few.
    """
    if not settings.num_fewshot:
        return {}
    ranked = sorted(pairs, key=lambda pair: stable_fraction(f"few-shot {seed}", pair.id))
    found = {}
    for direction in settings.directions:
        codes = split_direction(direction)
        fitting = (
            pair
            for pair in ranked
            if all(code in pair.texts for code in codes)
            and min(len(words(pair.texts[code])) for code in codes) >= EXAMPLE_WORDS
            and _longest(pair, codes) <= (settings.max_words or LONG)
        )
        found[direction] = list(islice(fitting, settings.num_fewshot))
        if len(found[direction]) < settings.num_fewshot:
            raise StageError(
                f"evaluate.num_fewshot: {direction} has {len(found[direction])} example pairs of {EXAMPLE_WORDS} words "
                f"or more to train on, and {settings.num_fewshot} are asked for. Lower it, or add a parallel source."
            )
    return found


def texts(documents: Iterable[Document], settings: EvaluateSection, seed: int) -> dict[str, list[Document]]:
    """Held-out documents by language, sources in turn, up to `max_bytes` a language (at least one document each).

    Longest first, so that batches hold texts of one length. Raises `StageError` for a language without any.
    """
    pool = sorted(documents, key=lambda document: stable_fraction(str(seed), document.id))
    chosen: dict[str, list[Document]] = {}
    for language in settings.languages:
        ranked = _in_turn(document for document in pool if document.language == language)
        kept: list[Document] = []
        size = 0
        for document in ranked:
            length = len(document.text.encode())
            if not kept or settings.max_bytes is None or size + length <= settings.max_bytes:
                kept.append(document)
                size += length
        if not kept:
            raise StageError(
                f"evaluate.languages: there is no held-out text in '{language}'. Add a source with role: evaluate in "
                f"it, "
                "or set corpus.held_out_pairs or corpus.held_out_documents."
            )
        chosen[language] = sorted(kept, key=lambda d: (-len(d.text), d.id))
    return chosen


def _longest(pair: Pair, codes: Iterable[str]) -> int:
    """Words of the longer side."""
    return max(len(words(pair.texts[code])) for code in codes)


def _in_turn(records: Iterable[R]) -> list[R]:
    """Records reordered so that the sources alternate, each in its given order."""
    seen = Counter[str]()
    keyed = []
    for record in records:
        keyed.append((seen[record.source], record.source, record))
        seen[record.source] += 1
    return [record for _, _, record in sorted(keyed, key=lambda entry: entry[:2])]
