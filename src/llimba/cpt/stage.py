"""Stage 4, `cpt`: the base model reads the corpus. Leaves `model/` (a transformers folder) and `metrics.jsonl`."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llimba.base_model import base_folder
from llimba.cpt.mixture import mix
from llimba.errors import StageError
from llimba.recipe import Recipe
from llimba.records import Document, read_records

if TYPE_CHECKING:
    from llimba.training.examples import Example


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Train on the corpus's documents, mixed by token share; returns facts for the manifest."""
    from llimba.training.examples import document_examples
    from llimba.training.loop import finish, train
    from llimba.training.model import open_for_training

    settings = recipe.cpt
    opened = open_for_training(base_folder(recipe.base_model), settings, recipe.base_model.tokens)
    documents = read_records(inputs["corpus"] / "documents.jsonl", Document)
    separator = opened.contract.separator_id
    examples = list(document_examples(documents, opened.tokenizer, separator, settings.sequence_length))
    chosen = mix(examples, settings.mixture, settings.max_tokens, recipe.profile.code, recipe.seed)
    if not chosen:
        raise StageError("cpt: the corpus holds no document to train on; look at its rejected.jsonl.")
    facts = train(opened, chosen, settings, out, seed=recipe.seed, title="cpt")
    finish(opened.model, opened.tokenizer, out)
    return facts | {"tokens_per_epoch": tokens_by_language(chosen)}


def tokens_by_language(examples: Iterable["Example"]) -> dict[str, int]:
    """Input tokens of one epoch, by language: what the mixture came to."""
    tokens = Counter[str]()
    for example in examples:
        tokens[example.language] += len(example.input_ids)
    return dict(tokens)
