"""Stage 5, `sft`: the CPT model learns to answer. Leaves `model/`, `metrics.jsonl`, and `adapter/` for LoRA methods."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llimba import processes
from llimba.base_model import token_contract
from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.prompts import evaluation_prompt, split_direction
from llimba.recipe import Recipe, SftSection
from llimba.records import Conversation, Document, read_records

if TYPE_CHECKING:
    from llimba.training.examples import Example


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Train on the conversations, loss on the assistant's tokens; returns facts for the manifest."""
    from llimba.training.loop import finish, train
    from llimba.training.model import open_for_training
    from llimba.training.monitor import held_out_examples

    settings = recipe.sft
    opened = open_for_training(inputs["cpt"] / "model", settings, recipe.base_model.tokens)
    examples, dropped = training_examples(recipe, inputs["instruct"], opened.tokenizer)
    if settings.method != "full":
        opened = opened._replace(model=_with_adapter(opened.model, settings))
    documents = read_records(inputs["corpus"] / "held_out.jsonl", Document)
    held_out = held_out_examples(
        documents,
        recipe.evaluate.languages,
        settings.eval_max_bytes,
        opened.tokenizer,
        opened.contract.separator_id,
        settings.sequence_length,
    )
    prompts = sample_prompts(recipe, inputs["corpus"] / "evaluation.jsonl", opened.tokenizer)
    held_out = replace(held_out, prompts=prompts)
    facts = train(opened, examples, settings, out, seed=recipe.seed, title="sft", held_out=held_out)
    model = opened.model
    if settings.method != "full":
        if processes.is_main():
            chosen = model.peft_config["default"]
            chosen.target_modules = sorted(chosen.target_modules)  # a set of peft's, written in another order each time
            model.save_pretrained(out / "adapter")
        model = model.merge_and_unload()
    finish(model, opened.tokenizer, out)
    return facts | {
        "method": settings.method,
        "conversations": len(examples),
        "dropped_for_control_tokens": dropped,
        "supervised_tokens_per_epoch": sum(example.num_loss_tokens for example in examples),
    }


def training_examples(recipe: Recipe, instruct: Path, tokenizer: Any) -> tuple[list["Example"], int]:
    """The conversations in the tokenizer's ids, and how many were dropped because they hold control tokens."""
    from llimba.training.examples import conversation_example

    control = [token for token in tokenizer.all_special_tokens if token]
    conversations = list(read_records(instruct / "conversations.jsonl", Conversation))
    clean = [c for c in conversations if not _holds_control_token(c, control)]
    if not clean:
        raise StageError("sft: there is no conversation to train on; look at the facts of the instruct stage.")
    eos = token_contract(tokenizer, recipe.base_model.tokens).eos
    examples = [conversation_example(c, tokenizer, eos, recipe.sft.sequence_length) for c in clean]
    return examples, len(conversations) - len(clean)


def sample_prompts(recipe: Recipe, evaluation: Path, tokenizer: Any) -> list[str]:
    """A held-out sentence to translate for each of the first directions, as the chat template writes it."""
    rows = list(read_jsonl(evaluation))
    prompts = []
    for direction in recipe.evaluate.directions[: recipe.sft.num_samples]:
        source, target = split_direction(direction)
        row = next((row for row in rows if row.get(source) and row.get(target)), None)
        if row is not None:
            text = evaluation_prompt(recipe.profile, direction, row[source])
            message = [{"role": "user", "content": text}]
            prompts.append(tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True))
    return prompts


def estimate(recipe: Recipe, inputs: dict[str, Path], card: str | None) -> dict[str, Any]:
    """What the stage will need on a card, for `llimba plan`; exact in tokens and steps once the conversations exist."""
    from llimba.training.estimate import estimate_stage

    def examples(tokenizer: Any) -> list["Example"]:
        return training_examples(recipe, inputs["instruct"], tokenizer)[0]

    there = (inputs["instruct"] / "conversations.jsonl").exists()
    return estimate_stage(recipe.base_model, recipe.sft, card, examples if there else None, recipe.seed, None)


def _holds_control_token(conversation: Conversation, control: list[str]) -> bool:
    """Whether somebody wrote a control token as text: it would end or forge a turn."""
    return any(token in message["content"] for message in conversation.messages for token in control)


def _with_adapter(model: Any, settings: SftSection) -> Any:
    """Wrap the model in a LoRA, rsLoRA or DoRA adapter of peft's."""
    from peft import LoraConfig, get_peft_model

    adapter = LoraConfig(
        r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=settings.target_modules,
        use_rslora=settings.method == "rslora",
        use_dora=settings.method == "dora",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, adapter)
