"""Tokens and chat template looked at before anything trains: a conversation that breaks sft should not cost a cpt.

Every conversation that is there is rendered and encoded as `sft` will do it, with the base model's own tokenizer.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from llimba.errors import StageError
from llimba.models.base_model import (
    base_folder,
    end_of_answer,
    fetch_tokenizer,
    shipped_generation,
    token_contract,
    tokenizer_at_hand,
)
from llimba.models.encoding import takes_system
from llimba.models.loading import load_tokenizer
from llimba.recipe import Recipe
from llimba.stages.folders import CorpusFolder, InstructFolder
from llimba.stages.sft.stage import preferences, training_examples

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def examine(recipe: Recipe, folders: dict[str, Path], *, fetch: bool) -> list[str]:
    """What is settled, with reasons, for people; with `fetch` the base model's tokenizer is fetched where it can be.

    `folders` are the stages' by name, finished or not. Raises `StageError` with the key to set, or a row's id.
    """
    from transformers import GenerationConfig

    folder = tokenizer_at_hand(recipe.base_model)
    if folder is None and fetch and recipe.base_model.folder is None:
        folder = fetch_tokenizer(recipe.base_model) if recipe.base_model.hub else base_folder(recipe.base_model)
    if folder is None:  # the stages say what is wrong with a folder that holds no model
        return []
    tokenizer = load_tokenizer(folder)
    if not tokenizer.chat_template:
        raise StageError(
            f"base_model: the tokenizer in {folder} has no chat template, which sft needs. Put a chat_template.jinja "
            "there, take the instruct variant of the model, or run with --until cpt."
        )
    if recipe.base_model.tokens.eos is None:
        end_of_answer(tokenizer)
    settled = [token_contract(tokenizer, recipe.base_model.tokens).reasons]
    if not takes_system(tokenizer):
        settled.append("the chat template takes no system message: its text goes into the first user turn")
    if "enable_thinking" in str(tokenizer.chat_template):
        settled.append("the chat template can think: trained and asked without thoughts")
    if (folder / "generation_config.json").exists():
        shipped = shipped_generation(GenerationConfig.from_pretrained(folder))
        if said := ", ".join(f"{key} {value}" for key, value in shipped.items()):
            settled.append(f"generation settings that the base model ships are not used: {said}")
    apart = _encode(recipe, folders, tokenizer)
    if apart:
        settled.append(f"{apart} conversations become one example an answer: one text cannot show them as asked")
    return settled


def _encode(recipe: Recipe, folders: dict[str, Path], tokenizer: "PreTrainedTokenizerBase") -> int:
    """How many conversations are taken apart; before `instruct` has run, of those of the sources alone."""
    from llimba.training.examples import conversation_examples, without_control_tokens

    instruct, corpus = InstructFolder(folders["instruct"]), CorpusFolder(folders["corpus"])
    if instruct.conversations_file.exists():
        if recipe.sft_section.prefers:
            preferences(recipe, instruct, tokenizer)
            return 0
        return training_examples(recipe, instruct, tokenizer)[1].one_example_an_answer
    if not corpus.conversations_file.exists():
        return 0
    eos = token_contract(tokenizer, recipe.base_model.tokens).eos
    clean = without_control_tokens(corpus.conversations(), tokenizer)
    made = (conversation_examples(c, tokenizer, eos, recipe.sft_section.sequence_length) for c in clean)
    return sum(len(examples) > 1 for examples in made)
