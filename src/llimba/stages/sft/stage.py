"""Stage 5, `sft`: the CPT model learns to answer. Leaves `model/` and `metrics.jsonl`.

A LoRA method also leaves `adapter/`, which plain peft loads, and its `model/` is proven to be that adapter merged.
"""

from dataclasses import replace
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llimba import processes
from llimba.errors import StageError
from llimba.languages.prompts import evaluation_prompt, split_direction
from llimba.manifest import Json
from llimba.models.base_model import base_folder, token_contract
from llimba.models.encoding import chat_prompt, takes_system
from llimba.recipe import Recipe
from llimba.records import Conversation
from llimba.reports.training_facts import Interpolation, MergeProof, SftFacts, TrainedFolder, TrainingFacts
from llimba.stages.folders import CorpusFolder, InstructFolder
from llimba.stages.interpolation.after_training import check_text, interpolate

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llimba.training.examples import Example
    from llimba.training.model import TrainableModel
    from llimba.training.objectives import Objective


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> Json:
    """Train on the conversations, loss on the assistant's tokens; returns facts for the manifest.

    Without a `cpt` section it starts from the base model itself: somebody's own CPT checkpoint, for example.
    """
    from llimba.stages.sft.adapter import save_adapter, with_adapter
    from llimba.training.loop import finish
    from llimba.training.model import PackedModel, open_for_training

    settings, corpus, instruct = recipe.sft_section, CorpusFolder(inputs["corpus"]), InstructFolder(inputs["instruct"])
    check_text(settings, corpus, recipe)
    start = TrainedFolder(inputs["cpt"]).model if "cpt" in inputs else base_folder(recipe.base_model)
    opened = open_for_training(start, settings, recipe.base_model.tokens)
    if settings.adapter_kind is not None:
        model = with_adapter(opened.model, opened.tokenizer, settings, settings.adapter_kind, recipe.seed_of(settings))
        opened = opened._replace(packed=PackedModel(model))
    tune = _prefer if settings.prefers else _instruct
    facts = tune(recipe, corpus, instruct, opened, out)
    model = opened.model
    proofs, placed = list[MergeProof](), list[Interpolation | None]()

    def end(trained: Path) -> None:
        if settings.adapter_kind is not None:
            from llimba.stages.sft.merge import prove_merge
            from llimba.training.model import DTYPES

            prompts = user_prompts(instruct, opened.tokenizer)
            dtype, tokens = DTYPES[opened.resolved.precision.value], recipe.base_model.tokens
            proofs.append(prove_merge(start, TrainedFolder(out).adapter, trained, prompts, tokens, dtype))
        placed.append(interpolate(start, trained, settings, corpus, recipe, opened.resolved))

    if settings.adapter_kind is not None:
        if processes.is_main():
            save_adapter(model, opened.tokenizer, TrainedFolder(out).adapter)
        model = model.merge_and_unload()
    finish(model, opened.tokenizer, out, check=end)
    # only the first of several processes has written, and seen, the model
    proof, interpolation = proofs[0] if proofs else None, placed[0] if placed else None
    return facts.model_copy(update={"merge_proof": proof, "interpolation": interpolation}).model_dump(mode="json")


def _instruct(
    recipe: Recipe, corpus: CorpusFolder, instruct: InstructFolder, opened: "TrainableModel", out: Path
) -> SftFacts:
    """Supervised tuning, and the gap between trained and set-aside conversations."""
    from llimba.stages.sft.gap import gap
    from llimba.training.objectives import LanguageModelling

    trained, aside, counts = supervised_examples(recipe, instruct, opened.tokenizer)
    facts = _train(recipe, corpus, opened, LanguageModelling(trained, recipe.sft_section), out)
    supervised = [example.num_loss_tokens for example in (*trained, *aside)]
    return SftFacts(
        **dict(facts),
        **counts._asdict(),
        system_in_first_turn=not takes_system(opened.tokenizer),
        method=recipe.sft_section.method,
        policy=recipe.sft_section.adapter_kind or "full",
        conversations=len(trained),
        supervised_tokens_per_epoch=sum(example.num_loss_tokens for example in trained),
        supervised_tokens_a_row=(min(supervised), max(supervised)),
        loss=gap(opened, trained, aside, recipe.seed),
    )


def _prefer(
    recipe: Recipe, corpus: CorpusFolder, instruct: InstructFolder, opened: "TrainableModel", out: Path
) -> SftFacts:
    """Preference tuning on the conversations that hold a rejected answer."""
    objective, dropped = preferences(recipe, instruct, opened.tokenizer)
    facts = _train(recipe, corpus, opened, objective, out)
    return SftFacts(
        **dict(facts),
        method=recipe.sft_section.method,
        policy=recipe.sft_section.adapter_kind or "full",
        conversations=facts.examples,
        dropped_for_control_tokens=dropped,
    )


def _train(
    recipe: Recipe, corpus: CorpusFolder, opened: "TrainableModel", objective: "Objective", out: Path
) -> TrainingFacts:
    """The engine's run over an objective, with the corpus's held-out text to evaluate on."""
    from llimba.training.loop import train
    from llimba.training.monitor import held_out_examples

    settings = recipe.sft_section
    held_out = held_out_examples(
        corpus.held_out(),
        recipe.evaluate.languages,
        settings.eval_max_bytes,
        opened.tokenizer,
        opened.contract.separator_id,
        settings.sequence_length,
    )
    held_out = replace(held_out, prompts=sample_prompts(recipe, corpus, opened.tokenizer), rendered=True)
    return train(opened, objective, settings, out, seed=recipe.seed_of(settings), title="sft", held_out=held_out)


def preferences(
    recipe: Recipe, instruct: InstructFolder, tokenizer: "PreTrainedTokenizerBase"
) -> tuple["Objective", int]:
    """The objective of DPO or ORPO over the pairs of answers, and how many conversations hold control tokens."""
    from llimba.stages.sft.preference import answer_pairs
    from llimba.training.objectives import PREFERENCES

    clean, dropped = _clean(instruct, tokenizer)
    eos = token_contract(tokenizer, recipe.base_model.tokens).eos
    pairs = answer_pairs(clean, tokenizer, eos, recipe.sft_section)
    return PREFERENCES[recipe.sft_section.method](pairs, recipe.sft_section.beta), dropped


class Counts(NamedTuple):
    """What became of the conversations, besides one whole example each."""

    dropped_for_control_tokens: int
    cut_at_sequence_length: int
    one_example_an_answer: int  # the template shows earlier turns otherwise than they were, or glues prompt and answer


def training_examples(
    recipe: Recipe, instruct: InstructFolder, tokenizer: "PreTrainedTokenizerBase"
) -> tuple[list["Example"], Counts]:
    """The conversations in the tokenizer's ids, and how many were dropped, cut and taken apart."""
    from llimba.training.examples import conversation_examples, conversation_length

    clean, dropped = _clean(instruct, tokenizer)
    eos = token_contract(tokenizer, recipe.base_model.tokens).eos
    length = recipe.sft_section.sequence_length
    made = [conversation_examples(c, tokenizer, eos, length) for c in clean]
    full = [c for c, ones in zip(clean, made, strict=True) if any(len(one.input_ids) == length for one in ones)]
    cut = sum(conversation_length(c, tokenizer) > length + 1 for c in full)
    apart = sum(len(examples) > 1 for examples in made)
    return [example for examples in made for example in examples], Counts(dropped, cut, apart)


def supervised_examples(
    recipe: Recipe, instruct: InstructFolder, tokenizer: "PreTrainedTokenizerBase"
) -> tuple[list["Example"], list["Example"], Counts]:
    """(to train on, set aside, what became of the conversations) of supervised tuning."""
    from llimba.stages.sft.gap import set_aside

    examples, counts = training_examples(recipe, instruct, tokenizer)
    return *set_aside(examples, recipe.sft_section.held_out_share, recipe.seed), counts


def _clean(instruct: InstructFolder, tokenizer: "PreTrainedTokenizerBase") -> tuple[list[Conversation], int]:
    """The conversations without control tokens, and how many hold some; raises `StageError` where none is left."""
    from llimba.training.examples import without_control_tokens

    conversations = list(instruct.conversations())
    clean = list(without_control_tokens(conversations, tokenizer))
    if not clean:
        raise StageError("sft: there is no conversation to train on; look at the facts of the instruct stage.")
    return clean, len(conversations) - len(clean)


def user_prompts(instruct: InstructFolder, tokenizer: "PreTrainedTokenizerBase", count: int = 20) -> list[str]:
    """The first turns of some conversations, as the chat template asks for the answer."""
    chosen = islice(instruct.conversations(), count)
    asked = [list(takewhile(lambda m: m["role"] != "assistant", c.messages)) for c in chosen]
    return [chat_prompt(messages, tokenizer) for messages in asked]


def sample_prompts(recipe: Recipe, corpus: CorpusFolder, tokenizer: "PreTrainedTokenizerBase") -> list[str]:
    """A held-out sentence to translate for each of the first directions, as the chat template writes it."""
    pairs = list(corpus.evaluation())
    prompts = []
    for direction in recipe.evaluate.directions[: recipe.sft_section.num_samples]:
        source, target = split_direction(direction)
        pair = next((pair for pair in pairs if pair.texts.get(source) and pair.texts.get(target)), None)
        if pair is not None:
            text = evaluation_prompt(recipe.profile, direction, pair.texts[source])
            prompts.append(chat_prompt(text, tokenizer))
    return prompts
