"""The adapter of the LoRA methods: made new, or somebody's own to go on from, and saved so that plain peft loads it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from llimba.errors import StageError
from llimba.files import read_json
from llimba.models.encoding import chat_text
from llimba.recipe import SftSection

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENIZER = "tokenizer.json"


def with_adapter(model: Any, tokenizer: "PreTrainedTokenizerBase", settings: SftSection, method: str, seed: int) -> Any:
    """The model with an adapter of peft's around it, fp32, seeded; or with the one in `settings.adapter`.

    Raises `StageError` for targets that the model lacks, that it ties, and for an adapter of another tokenizer.
    """
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model

    if settings.adapter is not None:
        check_tokenizer(settings.adapter, tokenizer)
        return PeftModel.from_pretrained(model, settings.adapter, is_trainable=True)
    modules = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    if missing := [target for target in settings.target_modules if target not in modules]:
        raise StageError(f"sft.target_modules: {type(model).__name__} has no {', '.join(missing)}. Mend the names.")
    ends = {"lm_head", "embed_tokens"} & set(settings.target_modules)
    if ends and model.config.get_text_config().tie_word_embeddings:
        raise StageError(
            f"sft.target_modules: {', '.join(sorted(ends))} share one matrix in this model, and an adapter on one of "
            "them would untie it when merged. Leave it out."
        )
    torch.manual_seed(seed)
    adapter = LoraConfig(
        r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=settings.target_modules,
        use_rslora=method == "rslora",
        use_dora=method == "dora",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, adapter)


def check_tokenizer(adapter: Path, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Refuse an adapter that was trained with other tokens or another chat template; raises `StageError`."""
    if not (adapter / "adapter_config.json").exists():
        raise StageError(f"sft.adapter: {adapter} holds no adapter_config.json, so it is no peft adapter.")
    if not (adapter / TOKENIZER).exists():
        raise StageError(
            f"sft.adapter: {adapter} has no {TOKENIZER}, so nothing says that it belongs to this model. Copy the "
            "tokenizer of the model that it was trained on beside it."
        )
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(adapter)
    if theirs.get_vocab() != tokenizer.get_vocab():
        differing = set(theirs.get_vocab().items()) ^ set(tokenizer.get_vocab().items())
        raise StageError(
            f"sft.adapter: the tokenizer in {adapter} differs from the model's in {len(differing)} tokens (e.g. "
            f"{', '.join(sorted(token for token, _ in differing)[:3])}): it was trained on another model."
        )
    probe = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    ours, other = (chat_text(probe, one) for one in (tokenizer, theirs))
    if ours != other:
        raise StageError(
            f"sft.adapter: the chat template in {adapter} writes {other!r}, the model's {ours!r}: the adapter would be "
            "asked in a form that it was not trained on."
        )


def save_adapter(model: Any, tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Write the adapter and its tokenizer."""
    chosen = model.peft_config["default"]
    if not isinstance(chosen.target_modules, str):
        chosen.target_modules = sorted(chosen.target_modules)  # a set of peft's, written in another order each time
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def targets(adapter: Path) -> set[str]:
    """The names of the modules that a saved adapter changes, as their weights are called in the model."""
    from safetensors import safe_open

    if not read_json(adapter / "adapter_config.json").get("target_modules"):
        raise StageError(f"{adapter}: adapter_config.json names no target_modules.")
    with safe_open(adapter / "adapter_model.safetensors", framework="pt") as file:
        names = list(file.keys())
    prefix = "base_model.model."
    return {f"{name.removeprefix(prefix).partition('.lora_')[0]}.weight" for name in names if ".lora_" in name}
