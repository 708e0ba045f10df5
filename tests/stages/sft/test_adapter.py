"""Adapters: seeded, loadable by plain peft, refused where they belong to another model."""

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from llimba.errors import StageError
from llimba.recipe import SftSection
from llimba.stages.sft.adapter import check_tokenizer, save_adapter, targets, with_adapter
from tests.fakes import save_tiny_model, tiny_model, tiny_tokenizer


def test_the_seed_decides_a_new_adapter() -> None:
    settings = SftSection(method="lora", lora_r=2)
    made = [with_adapter(tiny_model(), tiny_tokenizer(), settings, "lora", seed) for seed in (1, 1, 2)]
    weights = [next(p for n, p in model.named_parameters() if "lora_A" in n) for model in made]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_plain_peft_loads_what_was_saved_and_it_goes_on(tmp_path: Path) -> None:
    base = save_tiny_model(tmp_path / "base")
    model = with_adapter(tiny_model(), tiny_tokenizer(), SftSection(method="rslora", lora_r=2), "rslora", seed=1)
    save_adapter(model, tiny_tokenizer(), tmp_path / "adapter")
    loaded = PeftModel.from_pretrained(tiny_model().from_pretrained(base), tmp_path / "adapter")
    assert loaded.peft_config["default"].use_rslora
    assert "model.layers.0.self_attn.q_proj.weight" in targets(tmp_path / "adapter")
    assert len(targets(tmp_path / "adapter")) == 14
    again = with_adapter(
        tiny_model(), tiny_tokenizer(), SftSection(method="lora", adapter=tmp_path / "adapter"), "lora", seed=9
    )
    assert all(p.requires_grad == ("lora_" in n) for n, p in again.named_parameters())


def test_unknown_targets_and_tied_ends_are_refused() -> None:
    with pytest.raises(StageError, match="has no Wqkv"):
        with_adapter(tiny_model(), tiny_tokenizer(), SftSection(method="lora", target_modules=["Wqkv"]), "lora", 1)
    with pytest.raises(StageError, match="share one matrix"):
        with_adapter(tiny_model(), tiny_tokenizer(), SftSection(method="lora", target_modules=["lm_head"]), "lora", 1)


def test_an_adapter_of_another_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no peft adapter"):
        check_tokenizer(tmp_path, tiny_tokenizer())
    (tmp_path / "adapter_config.json").write_text(json.dumps({}))
    with pytest.raises(StageError, match="nothing says that it belongs"):
        check_tokenizer(tmp_path, tiny_tokenizer())
    other = tiny_tokenizer()
    other.save_pretrained(tmp_path)
    check_tokenizer(tmp_path, tiny_tokenizer())
    other.add_tokens(["<nou>"])
    other.save_pretrained(tmp_path)
    with pytest.raises(StageError, match="differs from the model's in 1 tokens"):
        check_tokenizer(tmp_path, tiny_tokenizer())
    other = tiny_tokenizer()
    other.chat_template = other.chat_template.replace("<|im_end|>", "<|endoftext|>")
    other.save_pretrained(tmp_path)
    with pytest.raises(StageError, match="chat template"):
        check_tokenizer(tmp_path, tiny_tokenizer())
