"""The merge proof: a true merge passes for every method, every planted wrong one is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from llimba.errors import StageError
from llimba.recipe import SftSection, Tokens
from llimba.stages.sft.adapter import save_adapter, with_adapter
from llimba.stages.sft.merge import check_tensors, prove_merge
from tests.fakes import SENTENCES, save_tiny_model, tiny_model, tiny_tokenizer


@pytest.fixture(autouse=True)
def short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llimba.stages.sft.merge.NEW_TOKENS", 8)


def adapted(start: Path, method: str, dtype: torch.dtype = torch.float32, size: float = 0.05) -> Any:
    """The tiny model with an adapter that changes something."""
    save_tiny_model(start)
    model = tiny_model().from_pretrained(start, dtype=dtype)
    settings = SftSection(method=method, lora_r=4, lora_alpha=8)  # type: ignore[arg-type]
    wrapped = with_adapter(model, tiny_tokenizer(), settings, method, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * size)
            if "magnitude" in name:
                parameter.mul_(1.05)
    return wrapped


def prompts() -> list[str]:
    tokenizer = tiny_tokenizer()
    asked = [[{"role": "user", "content": text}] for text in [*SENTENCES["sc"], *SENTENCES["it"]]]
    return [tokenizer.apply_chat_template(m, tokenize=False, add_generation_prompt=True) for m in asked]


def merge(model: Any, folder: Path) -> Path:
    model.merge_and_unload().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("method", ["lora", "rslora", "dora"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_true_merge_passes(tmp_path: Path, method: str, dtype: torch.dtype) -> None:
    model = adapted(tmp_path / "start", method, dtype)
    save_adapter(model, tiny_tokenizer(), tmp_path / "adapter")
    facts = prove_merge(
        tmp_path / "start", tmp_path / "adapter", merge(model, tmp_path / "merged"), prompts(), Tokens(), dtype
    )
    assert facts.answers == 20
    assert facts.answers_identical + facts.answers_parted_at_a_near_tie == 20
    assert facts.logits_error <= facts.logits_allowed < facts.adapter_effect
    assert facts.tied_embeddings
    if dtype == torch.float32:
        assert facts.answers_identical == 20


@pytest.mark.parametrize("factor", [2.0, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_wrong_scaling_is_refused(tmp_path: Path, factor: float, dtype: torch.dtype) -> None:
    model = adapted(tmp_path / "start", "rslora", dtype)
    save_adapter(model, tiny_tokenizer(), tmp_path / "adapter")
    for module in model.modules():
        if isinstance(getattr(module, "scaling", None), dict):
            module.scaling["default"] *= factor
    with pytest.raises(StageError, match="logits differ from the adapter's"):
        prove_merge(
            tmp_path / "start", tmp_path / "adapter", merge(model, tmp_path / "merged"), prompts(), Tokens(), dtype
        )


def test_a_small_adapter_does_not_hide_a_wrong_scaling(tmp_path: Path) -> None:
    model = adapted(tmp_path / "start", "lora", size=1e-3)
    save_adapter(model, tiny_tokenizer(), tmp_path / "adapter")
    for module in model.modules():
        if isinstance(getattr(module, "scaling", None), dict):
            module.scaling["default"] *= 2
    with pytest.raises(StageError, match="logits differ"):
        prove_merge(
            tmp_path / "start", tmp_path / "adapter", merge(model, tmp_path / "m"), prompts(), Tokens(), torch.float32
        )


def test_an_untied_head_is_refused(tmp_path: Path) -> None:
    model = adapted(tmp_path / "start", "lora")
    save_adapter(model, tiny_tokenizer(), tmp_path / "adapter")
    merged = model.merge_and_unload()
    merged.lm_head.weight = torch.nn.Parameter(merged.lm_head.weight.detach().clone())
    merged.config.tie_word_embeddings = False
    merged.save_pretrained(tmp_path / "merged")
    tiny_tokenizer().save_pretrained(tmp_path / "merged")
    with pytest.raises(StageError, match=r"tensors that the model before had not: lm_head.weight"):
        prove_merge(tmp_path / "start", tmp_path / "adapter", tmp_path / "merged", prompts(), Tokens(), torch.float32)


@pytest.mark.parametrize(
    ("name", "message"),
    [("model.embed_tokens.weight", "which the adapter does not touch"), ("model.norm.weight", "has changed")],
)
def test_what_the_adapter_does_not_touch_stays_bit_by_bit(tmp_path: Path, name: str, message: str) -> None:
    model = adapted(tmp_path / "start", "lora")
    save_adapter(model, tiny_tokenizer(), tmp_path / "adapter")
    folder = merge(model, tmp_path / "merged")
    assert check_tensors(tmp_path / "start", tmp_path / "adapter", folder) == 2 + 2 * 2  # embedding and norms
    tensors = load_file(folder / "model.safetensors")
    tensors[name][..., 0] += 1e-4
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StageError, match=message):
        check_tensors(tmp_path / "start", tmp_path / "adapter", folder)


def test_a_tied_duplicate_and_weights_that_nobody_reads_are_no_loss(tmp_path: Path) -> None:
    model = adapted(tmp_path / "start", "lora")
    save_adapter(model, tiny_tokenizer(), tmp_path / "adapter")
    folder, file = merge(model, tmp_path / "merged"), tmp_path / "start" / "model.safetensors"
    tensors = load_file(file)
    embedding = tensors["model.embed_tokens.weight"]
    save_file({"tok_embeddings.weight": embedding}, tmp_path / "start" / "consolidated.safetensors")
    more = {"lm_head.weight": embedding.clone(), "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}
    save_file({**tensors, **more}, file, metadata={"format": "pt"})
    prove_merge(tmp_path / "start", tmp_path / "adapter", folder, prompts(), Tokens(), torch.float32)
    save_file({**tensors, "lm_head.weight": embedding + 1}, file, metadata={"format": "pt"})
    with pytest.raises(StageError, match=r"lacks tensors of the model before: lm_head\.weight"):
        check_tensors(tmp_path / "start", tmp_path / "adapter", folder)
