"""Stage 4, `cpt`: the base model reads the corpus. Leaves `model/` (a transformers folder) and `metrics.jsonl`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from llimba.errors import StageError
from llimba.languages.prompts import tagged_text
from llimba.languages.text import first_words
from llimba.manifest import Json
from llimba.models.base_model import base_folder, token_contract
from llimba.recipe import CHAT, Recipe
from llimba.records import Document
from llimba.reports.training_facts import CptFacts, Interpolation
from llimba.stages.cpt.chat import conversations, counted, own_answers
from llimba.stages.cpt.mixture import key_of, mix
from llimba.stages.cpt.pairs import pair_documents
from llimba.stages.cpt.tags import Tags
from llimba.stages.folders import CorpusFolder
from llimba.stages.interpolation.after_training import check_text, interpolate, reserved_documents
from llimba.stages.interpolation.choosing_text import without_lines_of
from llimba.stages.running_text import variants

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llimba.training.examples import Example

PROMPT_WORDS = 8  # of a held-out text, for the model to go on from


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> Json:
    """Train on the corpus's documents, mixed by token share; returns facts for the manifest."""
    from llimba.training.loop import finish, train
    from llimba.training.model import open_for_training
    from llimba.training.monitor import held_out_examples
    from llimba.training.objectives import LanguageModelling

    settings, corpus = recipe.cpt_section, CorpusFolder(inputs["corpus"])
    check_text(settings, corpus, recipe)
    start = base_folder(recipe.base_model)
    answers = None
    if settings.chat is not None and settings.chat.own_answers:
        answers = own_answers(recipe, corpus, start, out)
    opened = open_for_training(start, settings, recipe.base_model.tokens)
    chosen = training_examples(recipe, corpus, opened.tokenizer, answers)
    objective = LanguageModelling(chosen, settings)
    aside = list(corpus.held_out())
    held_out = held_out_examples(
        aside,
        recipe.evaluate.languages,
        settings.eval_max_bytes,
        opened.tokenizer,
        opened.contract.separator_id,
        settings.sequence_length,
    )
    prompts = [first_words(d.text, PROMPT_WORDS) for d in aside if d.language == recipe.profile.code]
    held_out = replace(held_out, prompts=prompts[: settings.num_samples])
    facts = train(opened, objective, settings, out, seed=recipe.seed_of(settings), title="cpt", held_out=held_out)
    placed: list[Interpolation | None] = []

    def end(trained: Path) -> None:
        placed.append(interpolate(start, trained, settings, corpus, recipe, opened.resolved))

    finish(opened.model, opened.tokenizer, out, check=end)
    return CptFacts(
        **dict(facts),
        tokens_per_epoch=tokens_by_key(chosen),
        phases=tokens_by_phase(chosen),
        own_answers=None if answers is None else counted(answers),
        interpolation=placed[0] if placed else None,  # only the first of several processes has written the model
    ).model_dump(mode="json")


def training_examples(
    recipe: Recipe, corpus: CorpusFolder, tokenizer: "PreTrainedTokenizerBase", answers: Path | None = None
) -> list["Example"]:
    """One epoch: documents and conversations in the tokenizer's ids, split, and mixed by the recipe's token shares.

    `answers`: the base model's own to the conversations, where `chat.own_answers` asks for them; None for an estimate.
    """
    from llimba.training.examples import (
        check_beginnings,
        conversation_examples,
        conversation_length,
        document_examples,
        without_control_tokens,
    )

    settings, code, seed = recipe.cpt_section, recipe.profile.code, recipe.seed_of(recipe.cpt_section)
    contract = token_contract(tokenizer, recipe.base_model.tokens)
    length = settings.sequence_length
    examples = list(document_examples(documents(recipe, corpus), tokenizer, contract.separator_id, length))
    check_beginnings(examples, tokenizer)
    if settings.chat is not None:
        keys, alike = set(settings.mixture_keys()), variants(recipe.profile.spelled_alike)
        spoken = conversations(settings.chat, corpus, answers, alike)
        for conversation in without_control_tokens(spoken, tokenizer):
            if conversation_length(conversation, tokenizer) <= length:  # a longer one would lose its end
                key = key_of(conversation, CHAT, keys)
                parts = conversation_examples(conversation, tokenizer, contract.eos, length)
                examples += [replace(part, language=key) for part in parts]
    chosen = mix(examples, settings.all_phases, settings.max_tokens, code, seed, repeat=settings.repeat)
    if not chosen:
        raise StageError("cpt: the corpus holds no document to train on; look at its rejected.jsonl.")
    return chosen


def documents(recipe: Recipe, corpus: CorpusFolder) -> Iterator[Document]:
    """All that may be read: the corpus's documents, and its pairs written out; `language` is the mixture's key."""
    settings, profile = recipe.cpt_section, recipe.profile
    tags, keys = Tags(settings.norm_tags, profile, recipe.seed), set(settings.mixture_keys())
    left_out = reserved_documents(recipe, settings, corpus)
    ids = {document.id for document in left_out}
    for document in corpus.documents():
        if document.id in ids:
            continue
        tag = tags.of(document, document.id) if document.language == profile.code else ""
        key = key_of(document, document.language, keys)
        yield replace(document, language=key, text=tagged_text(profile, document.text, tag))
    if settings.pairs is not None:
        pairs = without_lines_of(corpus.pairs(), left_out)
        for document in pair_documents(pairs, settings.pairs, profile, tags):
            yield replace(document, language=key_of(document, document.language, keys))


def tokens_by_key(examples: Iterable["Example"]) -> dict[str, int]:
    """Input tokens by language or other key of the mixture: what the shares came to."""
    tokens = Counter[str]()
    for example in examples:
        tokens[example.language] += len(example.input_ids)
    return dict(tokens)


def tokens_by_phase(examples: Iterable["Example"]) -> list[dict[str, int]]:
    """`tokens_by_key` of every phase of one epoch, in order."""
    return [tokens_by_key(of_phase) for _, of_phase in groupby(examples, key=lambda example: example.phase)]
