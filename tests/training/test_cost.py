"""The arithmetic of a 3B model against figures worked out by hand from its published shape."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from llimba.errors import StageError
from llimba.recipe import CptSection, SftSection
from llimba.training.cost import (
    Shape,
    hardware_flops,
    mean_document_length,
    memory,
    model_flops,
    shape_from_config,
)

QWEN_3B = {
    "model_type": "qwen2",
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
}


def qwen() -> tuple[Shape, torch.nn.Module]:
    return shape_from_config(QWEN_3B)


def test_the_counts_of_qwen_3b() -> None:
    shape, _ = qwen()
    assert shape.parameters == shape.trained == 3_085_938_688
    assert shape.block_matrices == 2_774_532_096
    assert shape.head == 311_164_928
    assert (shape.layers, shape.hidden_size, shape.attention_size, shape.vocabulary_size) == (36, 2048, 2048, 151936)


@pytest.mark.parametrize(
    ("length", "model", "hardware"),
    [(761, 18.85, 24.57), (1024, 18.97, 24.74), (2048, 19.42, 25.42), (4096, 20.33, 26.78)],
)
def test_flops_a_token(length: int, model: float, hardware: float) -> None:
    shape, _ = qwen()
    assert model_flops(shape, length) / 1e9 == pytest.approx(model, abs=0.006)
    assert hardware_flops(shape, length, checkpointing=True) / 1e9 == pytest.approx(hardware, abs=0.006)


def test_flops_with_an_adapter_leave_out_the_frozen_gradients() -> None:
    shape, outline = qwen()
    adapted = shape.with_adapter(SftSection(method="rslora", lora_r=256), outline)
    assert adapted.trained == adapted.adapter == pytest.approx(478.9e6, rel=1e-3)
    assert model_flops(adapted, 0) / 1e9 == pytest.approx(15.2, abs=0.05)
    assert hardware_flops(adapted, 0, checkpointing=True) / 1e9 == pytest.approx(21.7, abs=0.05)


def test_an_adapter_that_is_there_counts_as_one_that_is_planned(base: Path) -> None:
    settings = SftSection(method="lora", lora_r=4)
    plain = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base))
    planned = Shape.of(plain).with_adapter(settings, plain)
    adapted = get_peft_model(plain, LoraConfig(r=4, target_modules=settings.target_modules, task_type="CAUSAL_LM"))
    assert Shape.of(adapted) == planned


def test_the_published_recipe_needs_its_whole_card_and_ours_does_not() -> None:
    shape, _ = qwen()
    settings = CptSection(sequence_length=4096, gradient_checkpointing=True)
    lines = {k: v / 2**30 for k, v in memory(shape, settings, "bf16", "adamw_8bit").items()}
    assert lines["weights"] == lines["gradients"] == pytest.approx(5.75, abs=0.01)
    assert lines["optimizer"] == pytest.approx(5.84, abs=0.01)
    assert 0.9 < lines["activations"] < 1.7
    assert 0.15 < lines["loss"] < 2.9
    assert 19 < sum(lines.values()) < 22


def test_memory_grows_with_what_it_should() -> None:
    shape, _ = qwen()
    short, long = CptSection(sequence_length=1024), CptSection(sequence_length=4096)
    assert (
        memory(shape, long, "bf16", "adamw")["activations"] == 4 * memory(shape, short, "bf16", "adamw")["activations"]
    )
    checkpointed = CptSection(sequence_length=4096, gradient_checkpointing=True)
    assert (
        memory(shape, checkpointed, "bf16", "adamw")["activations"]
        < memory(shape, short, "bf16", "adamw")["activations"]
    )
    assert memory(shape, short, "fp32", "adamw")["optimizer"] == 8 * shape.parameters


def test_the_mean_document_is_weighted_by_its_tokens() -> None:
    assert mean_document_length([10, 30]) == 25
    assert mean_document_length([]) == 0


def test_a_config_that_is_no_model_is_refused() -> None:
    with pytest.raises(StageError, match="model_type and the sizes"):
        shape_from_config({"model_type": "no-such-model"})
    with pytest.raises(StageError, match="model_type and the sizes"):
        shape_from_config({"hidden_size": 8})
