"""What `llimba choose` measures of one base model: how likely every line of the held-out text is to it.

What was measured is kept in a file whose name covers the model's weights, in a folder whose name covers the text, how
it is computed, and the libraries that compute. The bits per byte are those of `evaluate` for documents that fit its
window; it scores the end of a longer one with more context.
"""

import logging
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from llimba import progress
from llimba.files import fingerprint, sha256
from llimba.languages.text import words
from llimba.models.loading import load_model
from llimba.recipe import ModelSection, Recipe, TrainingSection
from llimba.records import Document
from llimba.reports.candidates import LanguageScore
from llimba.reports.training_facts import Forward
from llimba.stages.evaluate.harness import WINDOW, choose_precision
from llimba.stages.evaluate.metrics import Likelihood, bits_interval, bits_per_byte

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

MEANING = 1  # raised when a score changes its meaning

Texts = Mapping[str, Sequence[Document]]  # by language


class Scored(BaseModel):
    """What is kept of one candidate."""

    parameters: int
    forward: Forward
    lines: dict[str, list[Likelihood]]  # of every line of the text, by language
    words: dict[str, int]


def scoring_settings(recipe: Recipe) -> TrainingSection:
    """How training computes, in the precision of `evaluate`."""
    precision, _ = choose_precision(recipe.evaluate.precision)
    return recipe.first_training.model_copy(update={"precision": precision})


def conditions(chosen: Texts, settings: TrainingSection) -> list[object]:
    """Everything but the model that can change a score."""
    text = {language: [[d.id, d.text] for d in documents] for language, documents in chosen.items()}
    packages = {package: version(package) for package in ("torch", "transformers")}
    cut = [MEANING, WINDOW, settings.sequence_length, settings.row_length, settings.precision, settings.attention]
    return [text, cut, packages]


def kept_file(section: ModelSection, folder: Path, place: Path) -> Path:
    """Where the scores of a model with these weights are kept."""
    key = fingerprint([sha256(folder), section.tokens.model_dump(mode="json")])
    return place / f"{re.sub('[^A-Za-z0-9.-]+', '-', section.name).strip('-')}-{key}.json"


def measure(section: ModelSection, folder: Path, chosen: Texts, settings: TrainingSection) -> Scored:
    """Load the model, prove that it can be trained, and score every line of the text."""
    import torch

    from llimba.training.examples import IGNORED
    from llimba.training.model import DTYPES
    from llimba.training.monitor import held_out_examples
    from llimba.training.scoring import Scorer
    from llimba.training.settings import resolve_for

    resolved = resolve_for(folder, settings)
    loaded = load_model(folder, section.tokens, DTYPES[resolved.precision.value])
    if settings.gradient_checkpointing:  # for the check, which computes gradients
        loaded.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    documents = [document for of_language in chosen.values() for document in of_language]
    whole = 4 * sum(len(document.text.encode()) for document in documents)  # so that every document counts in full
    length, separator = min(WINDOW, loaded.context), loaded.contract.separator_id  # as `evaluate` cuts a text
    held_out = held_out_examples(documents, list(chosen), whole, loaded.tokenizer, separator, length)
    logger.info("%s: its own forward against ours ...", section.name)
    scorer = Scorer(loaded, resolved, settings.sequence_length)
    examples = [example for of_language in held_out.examples.values() for example in of_language]
    with progress.bar(section.name, sum(len(example.input_ids) for example in examples), "tokens") as bar:
        nats = scorer.token_nats(examples, bar)
    of_document: dict[tuple[str, str], list[float]] = {}
    for example, found in zip(examples, nats, strict=True):
        predicted = torch.from_numpy(example.labels) != IGNORED  # a piece may begin with what is not predicted
        of_document.setdefault((example.language, example.document), []).extend(found[predicted].tolist())
    lines = {
        language: [
            line
            for document in of_language
            for line in _lines(document.text, of_document[language, document.id], loaded.tokenizer)
        ]
        for language, of_language in chosen.items()
    }
    counted = {language: sum(len(words(document.text)) for document in of) for language, of in chosen.items()}
    parameters = sum(parameter.numel() for parameter in loaded.model.parameters())
    return Scored(parameters=parameters, forward=scorer.forward, lines=lines, words=counted)


def _lines(text: str, nats: list[float], tokenizer: "PreTrainedTokenizerBase") -> list[Likelihood]:
    """One document's tokens by line: a token belongs to the line of its last character.

    `nats` are of the tokens in order. What is predicted after the last one counts to the last line; where the first is
    not predicted, it counts nothing.
    """
    encoded = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    ends = [max(end - 1, 0) for _, end in encoded["offset_mapping"]]
    parts = text.splitlines(keepends=True) if "\n" in text else [text]
    starts = [0, *accumulate(map(len, parts))][:-1]
    places = [bisect_right(starts, end) - 1 for end in ends]
    predicted = places[max(0, len(places) - len(nats)) :]
    predicted += [len(parts) - 1] * (len(nats) - len(predicted))
    lost, tokens = [0.0] * len(parts), [0] * len(parts)
    for place in places:
        tokens[place] += 1
    for place, value in zip(predicted, nats, strict=True):
        lost[place] -= value
    return [
        Likelihood(round(one, 4), len(part.encode()), count)
        for one, part, count in zip(lost, parts, tokens, strict=True)
    ]


def language_score(lines: Sequence[Likelihood], words: int) -> LanguageScore:
    """Bits per byte with their interval, and tokens a word, of the lines of one language."""
    found = bits_per_byte(lines)
    low, high = bits_interval(lines)
    return LanguageScore(
        bits_per_byte=found.value,
        low=low,
        high=high,
        tokens_per_word=round(found.tokens / max(1, words), 3),
        bytes=found.bytes,
        lines=found.documents,
    )
