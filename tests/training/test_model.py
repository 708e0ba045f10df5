"""What the engine refuses, what it leaves, and what it says trains."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from llimba.errors import StageError
from llimba.recipe import CptSection, Tokens
from llimba.training import attention
from llimba.training.model import open_for_training, save_model, trainable
from tests.fakes import save_tiny_model, tiny_model


def test_a_saved_folder_loads_plainly_with_the_token_contract(tmp_path: Path) -> None:
    base = save_tiny_model(tmp_path / "base")
    opened = open_for_training(base, CptSection(precision="fp32"), Tokens())
    attention.install(opened.model, "loop")
    assert "llimba" in opened.model.config._attn_implementation
    save_model(opened.model, opened.tokenizer, tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert model.generation_config.eos_token_id == [258, 256]
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id == 259
    assert tokenizer.chat_template == opened.tokenizer.chat_template
    assert "llimba" not in (tmp_path / "out" / "config.json").read_text()
    assert sorted(p.suffix for p in (tmp_path / "out").glob("model*")) == [".safetensors"]


@pytest.mark.parametrize(
    ("precision", "dtype"), [("bf16", torch.bfloat16), ("mixed", torch.float32), ("fp32", torch.float32)]
)
def test_precision_decides_the_weights_dtype(tmp_path: Path, precision: str, dtype: torch.dtype) -> None:
    opened = open_for_training(save_tiny_model(tmp_path / "base"), CptSection(precision=precision), Tokens())
    assert opened.model.dtype == dtype


def test_trainable_counts_a_tied_embedding_once() -> None:
    facts = trainable(tiny_model())
    assert facts.tied
    assert facts.parameters == facts.trained == sum(p.numel() for p in tiny_model().parameters())


def test_a_half_frozen_model_is_refused() -> None:
    model = tiny_model()
    model.get_input_embeddings().weight.requires_grad_(False)
    with pytest.raises(StageError, match="parameters train where all of them should.*embed_tokens"):
        trainable(model)
