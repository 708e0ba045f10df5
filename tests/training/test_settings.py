"""What "auto" comes to, with reasons: the same for the run, for `llimba plan` and in the manifest."""

import importlib.util

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

from llimba.models.device import cpu_has_bf16
from llimba.recipe import CptSection, SftSection
from llimba.training.cost import Shape, shape_from_config
from llimba.training.settings import IN_RECIPE, resolve
from tests.training.test_cost import QWEN_3B

SHAPE, OUTLINE = shape_from_config(QWEN_3B)


def test_what_is_set_is_kept_and_auto_gives_its_reason() -> None:
    named = CptSection(
        precision="bf16", optimizer="adamw_8bit", stochastic_rounding=False, attention="sdpa", row_length=99
    )
    found = resolve(named, SHAPE, None)
    assert {name: setting.value for name, setting in found} == {
        "precision": "bf16", "optimizer": "adamw_8bit", "stochastic_rounding": False, "attention": "sdpa",
        "row_length": 99,
    }  # fmt: skip
    assert {setting.reason for _, setting in found} == {IN_RECIPE}
    found = resolve(CptSection(), SHAPE, None)
    assert found.precision.value == ("mixed" if cpu_has_bf16() else "fp32")
    assert "CPU" in found.precision.reason
    assert found.attention.value == "loop"
    assert "no GPU" in found.attention.reason


def test_on_a_gpu_auto_is_what_fits() -> None:
    settings = CptSection(gradient_checkpointing=True)
    assert resolve(settings, SHAPE, 80e9).precision.value == "mixed"
    small = resolve(settings, SHAPE, 24e9)
    assert small.precision.value == "bf16"
    assert "do not fit" in small.precision.reason
    assert small.attention.value in ("varlen", "flash_attention_2")


@pytest.mark.parametrize(
    ("here", "name", "reason"),
    [
        (["flash_attn", "torch.nn.attention.varlen"], "flash_attention_2", "flash-attn is installed"),
        (["torch.nn.attention.varlen"], "varlen", "torch's own variable-length kernel"),
        ([], "sdpa", "neither flash-attn nor torch's varlen kernel is here"),
    ],
)
def test_a_gpu_gets_the_fastest_kernel_that_is_installed(
    monkeypatch: pytest.MonkeyPatch, here: list[str], name: str, reason: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: package if package in here else None)
    found = resolve(CptSection(), SHAPE, 80e9).attention
    assert (found.value, found.reason) == (name, reason)


@pytest.mark.parametrize(
    ("changes", "optimizer", "rounded"),
    [
        ({"precision": "mixed"}, "adamw", False),
        ({"precision": "bf16"}, "adamw_8bit", True),
        ({"precision": "bf16", "stochastic_rounding": False}, "adamw_8bit", False),
        ({"precision": "bf16", "optimizer": "adamw"}, "adamw", False),
        ({"precision": "bf16", "optimizer": "paged_adamw_8bit"}, "paged_adamw_8bit", False),
        ({"precision": "fp32", "stochastic_rounding": True}, "adamw_8bit", False),
    ],
)
def test_optimizer_and_rounding_follow_the_weights(changes: dict[str, object], optimizer: str, rounded: bool) -> None:
    found = resolve(CptSection.model_validate(changes), SHAPE, None)
    assert (found.optimizer.value, found.stochastic_rounding.value) == (optimizer, rounded)


def test_without_torchao_the_moments_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = resolve(CptSection(precision="bf16"), SHAPE, 24e9)
    assert found.optimizer.value == "adamw"
    assert "pip install llimba[gpu]" in found.optimizer.reason
    assert found.attention.value == "sdpa"


def test_an_adapter_is_in_fp32_and_so_is_its_optimizer() -> None:
    from peft import LoraConfig, get_peft_model

    settings = SftSection(method="lora", precision="bf16")
    found = resolve(settings, SHAPE.with_adapter(settings, OUTLINE), 24e9)
    assert (found.optimizer.value, found.stochastic_rounding.value) == ("adamw", False)
    config = AutoConfig.for_model("llama", hidden_size=8, intermediate_size=8, num_hidden_layers=1, vocab_size=9,
                                  num_attention_heads=1, dtype="bfloat16")  # fmt: skip
    adapted = get_peft_model(AutoModelForCausalLM.from_config(config), LoraConfig(target_modules=["q_proj"]))
    assert {str(p.dtype) for p in adapted.parameters() if p.requires_grad} == {"torch.float32"}
    assert {str(p.dtype) for p in adapted.parameters() if not p.requires_grad} == {"torch.bfloat16"}
    assert Shape.of(adapted).adapter > 0


def test_rows_are_short_on_a_cpu_only() -> None:
    long, short = CptSection(sequence_length=4096), CptSection(sequence_length=512)
    assert [resolve(s, SHAPE, None).row_length.value for s in (long, short)] == [1024, 512]
    assert resolve(long, SHAPE, 24e9).row_length.value == 4096
