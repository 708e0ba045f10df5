"""Which sentences and texts a score rests on: the same for every system, spread over the sources, fixed by hash."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from llimba.errors import StageError
from llimba.files import stable_fraction
from llimba.languages.prompts import split_direction
from llimba.recipe import EvaluateSection
from llimba.records import Document, Pair

EXAMPLE_WORDS, LONG = 6, 60  # the shortest side of an example pair, and the longest
Row = dict[str, Any]  # {"id", "source", and a text per language code}


def sentences(rows: Iterable[Row], settings: EvaluateSection, seed: int) -> dict[str, list[Row]]:
    """Rows to translate, by direction: at most `max_words` on either side and `max_sentences`, sources in turn.

    Raises `StageError` for a direction without a single sentence.
    """
    ranked = _in_turn(sorted(rows, key=lambda row: stable_fraction(str(seed), str(row["id"]))))
    chosen: dict[str, list[Row]] = {}
    for direction in settings.directions:
        codes = split_direction(direction)
        fitting = [
            row
            for row in ranked
            if all(row.get(code) for code in codes)
            and (settings.max_words is None or max(len(row[code].split()) for code in codes) <= settings.max_words)
        ]
        if not fitting:
            raise StageError(
                f"evaluate.directions: there is no sentence to score {direction} on. Add a source with role: evaluate "
                f"in "
                "both languages, or set corpus.held_out_pairs; or raise evaluate.max_words."
            )
        chosen[direction] = fitting[: settings.max_sentences]
    return chosen


def references(rows: Iterable[Row], settings: EvaluateSection, seed: int) -> dict[str, list[Row]]:
    """Rows whose reference is scored after its source, by direction: as for `sentences`, but up to `max_bytes`.

    It costs no generation, so it rests on more than the answers do. Empty where the recipe does not ask for it.
    """
    if not settings.translation_bits_per_byte:
        return {}
    fitting = sentences(rows, settings.model_copy(update={"max_sentences": None}), seed)
    chosen: dict[str, list[Row]] = {}
    for direction, ranked in fitting.items():
        target, size = split_direction(direction)[1], 0
        chosen[direction] = []
        for row in ranked:
            size += len(row[target].encode())
            if chosen[direction] and settings.max_bytes is not None and size > settings.max_bytes:
                break
            chosen[direction].append(row)
    return chosen


def few_shot(pairs: Iterable[Pair], settings: EvaluateSection, seed: int) -> dict[str, list[dict[str, Any]]]:
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
            {code: pair.texts[code] for code in codes}
            for pair in ranked
            if all(code in pair.texts for code in codes)
            and min(len(pair.texts[code].split()) for code in codes) >= EXAMPLE_WORDS
            and max(len(pair.texts[code].split()) for code in codes) <= (settings.max_words or LONG)
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
        ranked = _in_turn([{"source": d.source, "document": d} for d in pool if d.language == language])
        kept: list[Document] = []
        size = 0
        for row in ranked:
            document: Document = row["document"]
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


def _in_turn(rows: list[Row]) -> list[Row]:
    """Rows reordered so that the sources alternate, each in its given order."""
    seen: dict[str, int] = {}
    keyed = []
    for row in rows:
        turn = seen[row["source"]] = seen.get(row["source"], -1) + 1
        keyed.append((turn, row["source"], row))
    return [row for _, _, row in sorted(keyed, key=lambda entry: entry[:2])]
