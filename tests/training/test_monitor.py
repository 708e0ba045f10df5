"""What is seen of a run: rows on disk at once, evaluations where they are due, trackers by name."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from llimba.errors import StageError
from llimba.recipe import CptSection, Tokens
from llimba.records import Document
from llimba.reports.training_facts import TrainedFolder
from llimba.training.model import open_for_training
from llimba.training.monitor import (
    HeldOut,
    Monitor,
    _beginning,
    held_out_examples,
    open_accelerator,
)
from tests.fakes import SENTENCES, tiny_tokenizer
from tests.tokenizer_kinds import kind_tokenizer

SETTINGS = CptSection(sequence_length=64, precision="fp32", report_to=[])


def documents(count: int) -> list[Document]:
    return [
        Document(id=f"{code}{i}", text=SENTENCES[code][i], language=code, source="s", license="x", provenance="p")
        for code in ("sc", "it", "es")
        for i in range(count)
    ]


def held_out(max_bytes: int = 100) -> HeldOut:
    return held_out_examples(documents(10), ["it", "sc"], max_bytes, tiny_tokenizer(), 256, 64)


def watch(out: Path, **changes: Any) -> Monitor:
    accelerator = open_accelerator(SETTINGS.report_to, out)
    out.mkdir(exist_ok=True)
    given: dict[str, Any] = {"num_steps": 10, "row_length": 64, "resumed": {}, "held_out": held_out(), **changes}
    return Monitor(out, "t", SETTINGS, accelerator, **given)


def test_held_out_text_is_bounded_and_every_byte_predicted() -> None:
    chosen = held_out()
    assert list(chosen.examples) == ["it", "sc"]
    for language, examples in chosen.examples.items():
        assert 50 < chosen.num_bytes[language] <= 100
        assert len({example.document for example in examples}) >= 4  # no document takes more than its quarter
        assert sum(example.num_loss_tokens for example in examples) == chosen.num_bytes[language]  # bytes are tokens
    assert held_out(0).examples == {}


def test_a_long_text_is_cut_between_words() -> None:
    assert _beginning("unu duos tres", 100) == "unu duos tres"
    assert _beginning("unu duos tres", 9) == "unu duos"
    assert _beginning("unu\nduos tres", 6) == "unu"
    assert _beginning("àà àà", 6) == "àà"
    assert _beginning("sinispàtzios", 5) == ""


def test_evaluations_are_taken_at_the_start_at_intervals_and_at_the_end(base: Path, tmp_path: Path) -> None:
    opened = open_for_training(base, SETTINGS, Tokens())
    packed = opened.packed
    packed.compute_rows("loop")
    monitor = watch(tmp_path / "out", held_out=HeldOut(held_out().examples, held_out().num_bytes, ["Su sole"]))
    before = torch.get_rng_state()
    for step in range(11):
        monitor.evaluate(step, packed, packed, opened.tokenizer, torch.autocast("cpu", enabled=False))
    evaluations = TrainedFolder(tmp_path / "out").held_out_metrics()
    assert [one["step"] for one in evaluations] == [0, 2, 4, 6, 8, 10]
    assert evaluations[0]["sc"] == pytest.approx(math.log2(260), abs=0.3)  # a random model over 260 tokens
    assert len(monitor.rows["samples.jsonl"]) == 6
    assert torch.equal(torch.get_rng_state(), before)
    assert packed.training
    assert opened.model.config._attn_implementation == "llimba_0"


def test_rows_are_on_disk_at_once_and_what_came_after_the_checkpoint_is_forgotten(tmp_path: Path) -> None:
    monitor = watch(tmp_path / "out")
    for step in (1, 2, 3):
        monitor.record({"step": step, "loss": 1.0})
    assert [row["step"] for row in TrainedFolder(tmp_path / "out").metrics()] == [1, 2, 3]
    watch(tmp_path / "out", resumed={"metrics.jsonl": [{"step": 1, "loss": 1.0}]})
    assert [row["step"] for row in TrainedFolder(tmp_path / "out").metrics()] == [1]


def test_trackers_are_named_by_the_recipe(tmp_path: Path) -> None:
    accelerator = open_accelerator(["tensorboard"], tmp_path)
    monitor = Monitor(tmp_path, "t", SETTINGS, accelerator, HeldOut(), 10, 64, {})
    monitor.record({"step": 1, "loss": 1.0})
    monitor.close()
    assert list((tmp_path / "trackers" / "t").glob("events.out.tfevents.*"))
    with pytest.raises(StageError, match="report_to: .*nonsense"):
        open_accelerator(["nonsense"], tmp_path)
    with pytest.raises(StageError, match="report_to: swanlab is not installed"):
        open_accelerator(["swanlab"], tmp_path)


def test_held_out_text_is_predicted_from_bos_where_the_tokenizer_writes_it() -> None:
    tokenizer = kind_tokenizer("Gemma")
    found = held_out_examples(documents(10), ["it"], 400, tokenizer, tokenizer.eos_token_id, 16)
    assert all(e.input_ids[0] == tokenizer.bos_token_id for e in found.examples["it"])
    assert all((e.labels != tokenizer.bos_token_id).all() for e in found.examples["it"])
    plain = held_out_examples(documents(10), ["it"], 400, tiny_tokenizer(), 256, 1000)
    assert all(e.input_ids[0] == 256 for e in plain.examples["it"])
