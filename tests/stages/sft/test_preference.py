"""DPO and ORPO: the better answer gains on the worse one; without data the stage says what to do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.recipe import SftSection
from llimba.records import Conversation, write_records
from llimba.stages.sft.estimate import estimate
from llimba.stages.sft.preference import answer_pairs
from llimba.stages.sft.stage import run
from llimba.training.examples import IGNORED
from tests.fakes import SENTENCES, recipe, recipe_content, save_tiny_model, tiny_tokenizer, write_held_out


def inputs(tmp_path: Path, rejected: bool = True) -> dict[str, Path]:
    save_tiny_model(tmp_path / "cpt" / "model")
    rows = (
        Conversation(
            id=f"c{i}", source="s", license="x", provenance="p",
            messages=[{"role": "user", "content": "Nara"}, {"role": "assistant", "content": SENTENCES["sc"][i]}],
            rejected=SENTENCES["it"][i] if rejected else "",
        )
        for i in range(8)
    )  # fmt: skip
    write_records(tmp_path / "instruct" / "conversations.jsonl", rows)
    write_held_out(tmp_path / "corpus")
    return {name: tmp_path / name for name in ("corpus", "cpt", "instruct")}


def settings(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    return {**recipe_content(tmp_path)["sft"], "lora_r": 4, "num_train_epochs": 3, "learning_rate": 1e-2, **changes}


@pytest.mark.parametrize(("method", "policy"), [("dpo", "lora"), ("dpo", "full"), ("dpo", "dora"), ("orpo", "rslora")])
def test_the_better_answer_gains(tmp_path: Path, method: str, policy: str) -> None:
    changed = recipe(tmp_path, sft=settings(tmp_path, method=method, policy=policy))
    given = inputs(tmp_path)
    save_tiny_model(tmp_path / "base")
    facts = run(changed, given, tmp_path / "out")
    assert estimate(changed, given, "rtx4090").steps == facts["steps"]
    rows = list(read_jsonl(tmp_path / "out" / "metrics.jsonl"))
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert facts["examples"] == 8
    assert facts["last_loss"] < facts["first_loss"]
    if method == "dpo":
        assert facts["first_loss"] == pytest.approx(0.6931, abs=1e-3)  # ln 2: policy and reference are still the same
        assert facts["figures"]["rewards/accuracies"] == 1.0
        assert facts["figures"]["rewards/margins"] > 0
    assert (facts["merge_proof"] is not None) == (policy != "full")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "model")
    assert not any("lora" in name for name, _ in model.named_parameters())
    assert [row["step"] for row in facts["held_out"]] == [0, 2, 4, 6]


def test_only_the_last_answer_counts_and_both_answers_end() -> None:
    messages = [{"role": role, "content": text} for role, text in (("user", "a"), ("assistant", "bb"), ("user", "c"))]
    talk = Conversation(
        id="c", source="s", license="x", provenance="p", messages=[*messages, {"role": "assistant", "content": "dd"}],
        rejected="eee",
    )  # fmt: skip
    tokenizer = tiny_tokenizer()
    (pair,) = answer_pairs([talk, replace(talk, rejected="")], tokenizer, "<|im_end|>", SftSection(method="dpo"))
    for example, answer in ((pair.chosen, "dd"), (pair.rejected, "eee")):
        assert tokenizer.decode(example.labels[example.labels != IGNORED]) == f"{answer}<|im_end|>"
        assert "bb<|im_end|>" in tokenizer.decode(example.input_ids)
    with pytest.raises(StageError, match="conversation c: no token would be supervised"):
        answer_pairs([talk], tokenizer, "<|im_end|>", SftSection(method="dpo", sequence_length=8))


def test_whole_answers_are_needed() -> None:
    with pytest.raises(ValueError, match="packing: leaky cuts text anywhere, and method: orpo needs whole answers"):
        SftSection(method="orpo", packing="leaky")


def test_without_preference_data_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no conversation holds a rejected answer"):
        run(recipe(tmp_path, sft=settings(tmp_path, method="dpo")), inputs(tmp_path, rejected=False), tmp_path / "out")
