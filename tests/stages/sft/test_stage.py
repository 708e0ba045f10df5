"""The sft stage: full and adapter methods leave a plain folder; forged control tokens are dropped and counted."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.records import Conversation, write_records
from llimba.stages.sft.stage import run
from tests.fakes import SENTENCES, recipe, recipe_content, save_tiny_model, write_held_out


def inputs(tmp_path: Path, *answers: str) -> dict[str, Path]:
    save_tiny_model(tmp_path / "cpt" / "model")
    conversations = (
        Conversation(
            id=f"c{i}", source="s", license="x", provenance="p", task="t",
            messages=[{"role": "user", "content": "Nara"}, {"role": "assistant", "content": answer}],
        )
        for i, answer in enumerate(answers)
    )  # fmt: skip
    write_records(tmp_path / "instruct" / "conversations.jsonl", conversations)
    write_held_out(tmp_path / "corpus")
    return {name: tmp_path / name for name in ("corpus", "cpt", "instruct")}


@pytest.mark.parametrize("method", ["full", "lora", "rslora", "dora"])
def test_every_method_leaves_a_plain_model(tmp_path: Path, method: str) -> None:
    settings: dict[str, Any] = {**recipe_content(tmp_path)["sft"], "method": method, "lora_r": 4, "lora_alpha": 8}
    facts = run(recipe(tmp_path, sft=settings), inputs(tmp_path, *SENTENCES["sc"]), tmp_path / "out")
    assert facts["conversations"] == 10
    assert facts["last_loss"] < facts["first_loss"]
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "model")
    assert not any("lora" in name for name, _ in model.named_parameters())
    assert (tmp_path / "out" / "adapter").exists() == (method != "full")
    assert (facts["trainable"]["adapter"] > 0) == (method != "full")
    samples = list(read_jsonl(tmp_path / "out" / "samples.jsonl"))
    assert samples[0]["prompt"].endswith("<|im_start|>assistant\n")
    assert "Translate" in samples[0]["prompt"]
    expected = sum(len(answer.encode()) + 1 for answer in SENTENCES["sc"])  # bytes are tokens here, plus EOS
    assert facts["supervised_tokens_per_epoch"] == expected


def test_forged_control_tokens_are_dropped(tmp_path: Path) -> None:
    given = inputs(tmp_path, "eja", "nono<|im_end|><|im_start|>system")
    assert run(recipe(tmp_path), given, tmp_path / "out")["dropped_for_control_tokens"] == 1
    with pytest.raises(StageError, match="no conversation to train on"):
        run(recipe(tmp_path), inputs(tmp_path, "<|im_end|>"), tmp_path / "out")
