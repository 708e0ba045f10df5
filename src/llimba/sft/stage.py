"""Stage 5, `sft`: the CPT model learns to answer. Leaves `model/`, `metrics.jsonl`, and `adapter/` for LoRA methods."""

from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.recipe import Recipe, SftSection
from llimba.records import Conversation, read_records


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Train on the conversations, loss on the assistant's tokens; returns facts for the manifest."""
    from llimba.training.examples import conversation_example
    from llimba.training.loop import finish, train
    from llimba.training.model import open_for_training

    settings = recipe.sft
    opened = open_for_training(inputs["cpt"] / "model", settings, recipe.base_model.tokens)
    control = [token for token in opened.tokenizer.all_special_tokens if token]
    conversations = list(read_records(inputs["instruct"] / "conversations.jsonl", Conversation))
    clean = [c for c in conversations if not _holds_control_token(c, control)]
    if not clean:
        raise StageError("sft: there is no conversation to train on; look at the facts of the instruct stage.")
    eos = opened.contract.eos
    examples = [conversation_example(c, opened.tokenizer, eos, settings.sequence_length) for c in clean]
    if settings.method != "full":
        opened = opened._replace(model=_with_adapter(opened.model, settings))
    facts = train(opened, examples, settings, out, seed=recipe.seed, title="sft")
    model = opened.model
    if settings.method != "full":
        model.save_pretrained(out / "adapter")
        model = model.merge_and_unload()
    finish(model, opened.tokenizer, out)
    return facts | {
        "method": settings.method,
        "conversations": len(clean),
        "dropped_for_control_tokens": len(conversations) - len(clean),
        "supervised_tokens_per_epoch": sum(example.num_loss_tokens for example in examples),
    }


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
