"""Stage 4, `cpt`: the base model reads the corpus. Leaves `model/` (a transformers folder) and `metrics.jsonl`."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llimba.base_model import base_folder, token_contract
from llimba.cpt.mixture import mix
from llimba.errors import StageError
from llimba.interpolation.after_training import check_text, interpolate
from llimba.interpolation.aside import aside
from llimba.recipe import CptSection, Recipe
from llimba.records import Document, read_records

if TYPE_CHECKING:
    from llimba.training.examples import Example

PROMPT_WORDS = 8  # of a held-out text, for the model to go on from


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Train on the corpus's documents, mixed by token share; returns facts for the manifest."""
    from llimba.training.loop import finish, train
    from llimba.training.model import open_for_training
    from llimba.training.monitor import held_out_examples

    settings = _settings(recipe)
    check_text(settings, inputs["corpus"], recipe)
    start = base_folder(recipe.base_model)
    opened = open_for_training(start, settings, recipe.base_model.tokens)
    chosen = training_examples(recipe, inputs["corpus"], opened.tokenizer)
    documents = list(read_records(inputs["corpus"] / "held_out.jsonl", Document))
    held_out = held_out_examples(
        documents,
        recipe.evaluate.languages,
        settings.eval_max_bytes,
        opened.tokenizer,
        opened.contract.separator_id,
        settings.sequence_length,
    )
    prompts = [" ".join(d.text.split()[:PROMPT_WORDS]) for d in documents if d.language == recipe.profile.code]
    held_out = replace(held_out, prompts=prompts[: settings.num_samples])
    facts = train(opened, chosen, settings, out, seed=recipe.seed, title="cpt", held_out=held_out)
    between = dict[str, Any]()

    def end(trained: Path) -> None:
        between["interpolation"] = interpolate(start, trained, settings, inputs["corpus"], recipe, opened.precision)

    finish(opened.model, opened.tokenizer, out, check=end)
    return facts | between | {"tokens_per_epoch": tokens_by_language(chosen)}


def training_examples(recipe: Recipe, corpus: Path, tokenizer: Any) -> list["Example"]:
    """One epoch: the corpus's documents in the tokenizer's ids, split, and mixed by the recipe's token shares."""
    from llimba.training.examples import document_examples

    settings = _settings(recipe)
    separator = token_contract(tokenizer, recipe.base_model.tokens).separator_id
    path = corpus / "documents.jsonl"
    kept_aside = aside(read_records(path, Document), settings.choosing_bytes)
    documents = (document for document in read_records(path, Document) if document.id not in kept_aside)
    examples = list(document_examples(documents, tokenizer, separator, settings.sequence_length))
    chosen = mix(examples, settings.mixture, settings.max_tokens, recipe.profile.code, recipe.seed)
    if not chosen:
        raise StageError("cpt: the corpus holds no document to train on; look at its rejected.jsonl.")
    return chosen


def estimate(recipe: Recipe, inputs: dict[str, Path], card: str | None) -> dict[str, Any]:
    """What the stage will need on a card, for `llimba plan`; exact in tokens and steps once the corpus is there."""
    from llimba.training.estimate import estimate_stage

    corpus, settings = inputs["corpus"], _settings(recipe)
    examples = partial(training_examples, recipe, corpus) if (corpus / "documents.jsonl").exists() else None
    return estimate_stage(recipe.base_model, settings, card, examples, recipe.seed, settings.max_tokens)


def _settings(recipe: Recipe) -> CptSection:
    assert recipe.cpt is not None  # without the section the stage is not run
    return recipe.cpt


def tokens_by_language(examples: Iterable["Example"]) -> dict[str, int]:
    """Input tokens of one epoch, by language: what the mixture came to."""
    tokens = Counter[str]()
    for example in examples:
        tokens[example.language] += len(example.input_ids)
    return dict(tokens)
