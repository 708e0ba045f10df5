"""The loop: same step packed or not, stops and goes on to the same bits, never steps on a loss that is not finite."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from llimba.errors import Interrupted, StageError
from llimba.recipe import CptSection, Tokens
from llimba.records import Document
from llimba.reports.training_facts import TrainedFolder
from llimba.training import loop
from llimba.training.examples import Example, document_examples
from llimba.training.model import TrainableModel, open_for_training
from llimba.training.objectives import LanguageModelling
from tests.fakes import SENTENCES

SETTINGS: dict[str, Any] = {
    "sequence_length": 64,
    "row_length": 160,
    "documents_per_step": 4,
    "learning_rate": 3e-3,
    "num_train_epochs": 2,
    "warmup_steps": 2,
    "precision": "fp32",
}


def opened(base: Path, **changes: Any) -> tuple[TrainableModel, CptSection, list[Example]]:
    settings = CptSection(**{**SETTINGS, **changes})
    model = open_for_training(base, settings, Tokens())
    model.model.config.attention_dropout = 0.1  # so that the random state matters
    for layer in model.model.model.layers:
        layer.self_attn.attention_dropout = 0.1
    documents = [
        Document(id=f"{language}{i}", text=text, language=language, source="s", license="x", provenance="p")
        for language in ("sc", "it")
        for i, text in enumerate(SENTENCES[language])
    ]
    examples = document_examples(documents, model.tokenizer, model.contract.separator_id, settings.sequence_length)
    return model, settings, list(examples)


def metrics_of(out: Path) -> list[dict[str, Any]]:
    return TrainedFolder(out).metrics()


def weights(model: TrainableModel) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.model.parameters()])


def test_loss_falls_and_the_facts_add_up(base: Path, tmp_path: Path) -> None:
    model, settings, examples = opened(base)
    facts = loop.train(model, LanguageModelling(examples, settings), settings, tmp_path, seed=1, title="t")
    assert facts.last_loss < facts.first_loss - 0.5
    assert facts.steps == 2 * -(-len(examples) // 4)
    assert facts.loss_tokens == 2 * sum(example.num_loss_tokens for example in examples)
    assert facts.trainable.trained == facts.trainable.parameters
    assert facts.memory_gib.predicted > 0.5
    assert facts.memory_gib.measured_peak > 0.1


def test_two_stages_of_one_run_may_differ_in_precision(base: Path, tmp_path: Path) -> None:
    for precision in ("mixed", "fp32", "bf16"):
        model, settings, examples = opened(base, precision=precision, optimizer="adamw")
        loop.train(model, LanguageModelling(examples, settings), settings, tmp_path / precision, seed=1, title="t")
    losses = {p: metrics_of(tmp_path / p)[0]["loss"] for p in ("mixed", "fp32", "bf16")}
    assert losses["mixed"] != losses["fp32"]  # autocast was on
    assert losses["mixed"] == pytest.approx(losses["fp32"], rel=0.02)
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.02)


def test_packed_steps_are_the_unpacked_steps_and_leaky_ones_are_not(base: Path, tmp_path: Path) -> None:
    runs, rows = {}, {}
    for mode in ("off", "step-exact", "leaky"):
        model, settings, examples = opened(base, packing=mode)
        for layer in model.model.model.layers:
            layer.self_attn.attention_dropout = 0.0
        loop.train(model, LanguageModelling(examples, settings), settings, tmp_path / mode, seed=1, title="t")
        runs[mode] = [row["loss"] for row in metrics_of(tmp_path / mode)]
        rows[mode] = sum(row["rows"] for row in metrics_of(tmp_path / mode))
    assert runs["step-exact"] == pytest.approx(runs["off"], abs=1e-4)
    assert runs["leaky"] != pytest.approx(runs["off"], abs=1e-2)
    assert rows["step-exact"] < rows["off"] == 2 * len(examples)


@pytest.mark.parametrize(
    "changes",
    [{}, {"precision": "bf16", "optimizer": "adamw_8bit"}, {"tokens_per_step": 150}],
    ids=["fp32", "8-bit moments, stochastic rounding", "token budget"],
)
@pytest.mark.usefixtures("no_compiler")
def test_stopped_by_a_signal_it_goes_on_to_the_same_bits(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    model, settings, examples = opened(base, **changes)
    loop.train(model, LanguageModelling(examples, settings), settings, tmp_path / "whole", seed=1, title="t")
    expected = weights(model)

    model, settings, examples = opened(base, **changes)
    share, calls = loop.packing.share, []

    def share_and_signal(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 4:  # in the middle of the run, at a step's beginning
            os.kill(os.getpid(), signal.SIGTERM)
        return share(*arguments)

    with (
        monkeypatch.context() as patched,
        pytest.raises(Interrupted, match="SIGTERM after step 4.*Run the same command"),
    ):
        patched.setattr(loop.packing, "share", share_and_signal)
        loop.train(model, LanguageModelling(examples, settings), settings, tmp_path / "part", seed=1, title="t")
    model, settings, examples = opened(base, **changes)
    torch.manual_seed(999)  # whatever happened in between must not matter
    facts = loop.train(model, LanguageModelling(examples, settings), settings, tmp_path / "part", seed=1, title="t")
    assert facts.resumed_at_step == 4
    assert torch.equal(weights(model), expected)
    whole, part = (metrics_of(tmp_path / name) for name in ("whole", "part"))
    assert [row["loss"] for row in whole] == [row["loss"] for row in part]


def test_killed_at_the_border_of_two_phases_it_goes_on_to_the_same_bits(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(folder: str) -> torch.Tensor:
        model, settings, examples = opened(base, num_train_epochs=1)
        phased = [replace(e, phase=int(i >= 9)) for i, e in enumerate(examples)]
        loop.train(model, LanguageModelling(phased, settings), settings, tmp_path / folder, seed=1, title="t")
        return weights(model)

    expected = run("whole")
    pack, calls = loop.packing.pack, []

    def pack_and_signal(documents: list[Example], *arguments: Any) -> Any:
        calls.append({document.phase for document in documents})
        if len(calls) == 3:  # nine documents in steps of four: the last step of the first phase, and a short one
            assert len(documents) == 1
            os.kill(os.getpid(), signal.SIGTERM)
        return pack(documents, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(loop.packing, "pack", pack_and_signal)
        with pytest.raises(Interrupted, match="after step 3"):
            run("part")
        assert torch.equal(run("part"), expected)
    assert calls[:3] == [{0}] * 3
    assert set(map(frozenset, calls[3:])) == {frozenset({1})}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"lr_scheduler_type": "cosine_with_min_lr", "min_lr_ratio": 1 / 3}, [0, 0.5, 1, 0.975, 0.359, 1 / 3]),
        (
            {"lr_scheduler_type": "warmup_stable_decay", "min_lr_ratio": 0.1, "decay_share": 0.5},
            [0.1, 0.55, 1, 1, 0.28, 0.1],
        ),
        (
            {"lr_scheduler_type": "warmup_stable_decay", "decay_type": "1-sqrt", "decay_share": 0.5},
            [0, 0.5, 1, 1, 0.106, 0],
        ),
    ],
)
def test_schedules_end_where_they_are_told_to(changes: dict[str, Any], expected: list[float]) -> None:
    settings = CptSection(learning_rate=1e-3, warmup_steps=2, **changes)
    rate = loop.learning_rates(settings, 10)
    assert [rate(step) / 1e-3 for step in (0, 1, 2, 3, 9, 10)] == pytest.approx(expected, abs=2e-3)


def test_an_end_is_asked_of_a_schedule_that_has_one() -> None:
    with pytest.raises(ValueError, match="min_lr_ratio needs lr_scheduler_type: cosine_with_min_lr or warmup"):
        CptSection(min_lr_ratio=0.1)


def test_a_loss_that_is_not_finite_never_reaches_the_weights(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, settings, examples = opened(base)
    before = weights(model)
    plain = LanguageModelling.loss

    def not_a_number(self: Any, *given: Any) -> Any:
        loss, figures = plain(self, *given)
        return loss * float("nan"), figures

    monkeypatch.setattr(LanguageModelling, "loss", not_a_number)
    with pytest.raises(StageError, match="not finite in 3 steps in a row.*lower learning_rate"):
        loop.train(model, LanguageModelling(examples, settings), settings, tmp_path, seed=1, title="t")
    assert torch.equal(weights(model), before)


def test_schedule_is_transformers_own(base: Path, tmp_path: Path) -> None:
    model, settings, examples = opened(base, lr_scheduler_type="linear", warmup_steps=4)
    loop.train(model, LanguageModelling(examples, settings), settings, tmp_path, seed=1, title="t")
    rates = [row["learning_rate"] for row in metrics_of(tmp_path)]
    assert rates[:5] == pytest.approx([0, 0.25 * 3e-3, 0.5 * 3e-3, 0.75 * 3e-3, 3e-3])
    assert rates[-1] == pytest.approx(3e-3 / (len(rates) - 4))


def test_utilisation_where_the_peak_is_known(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, settings, examples = opened(base, gradient_checkpointing=True)
    loop.train(model, LanguageModelling(examples, settings), settings, tmp_path / "unknown", seed=1, title="t")
    assert {row["mfu"] for row in metrics_of(tmp_path / "unknown")} == {None}
    monkeypatch.setattr(loop.cards, "known_peak", lambda device: 1e10)  # so small that rounding does not show
    model, settings, examples = opened(base, gradient_checkpointing=True)
    facts = loop.train(model, LanguageModelling(examples, settings), settings, tmp_path / "known", seed=1, title="t")
    row = metrics_of(tmp_path / "known")[-1]
    dense = 6 * facts.trainable.parameters * row["row_tokens"] / row["seconds"] / 1e10
    assert 0.9 * dense < row["mfu"] < 1.5 * dense  # attention comes on top; norms are counted in `dense` only
    assert 1.1 < row["hfu"] / row["mfu"] < 1.4  # the blocks are computed once more


def test_metrics_add_up_and_the_facts_are_made_of_them(base: Path, tmp_path: Path) -> None:
    model, settings, examples = opened(base, max_steps=29, max_grad_norm=0.05)
    facts = loop.train(model, LanguageModelling(examples, settings), settings, tmp_path, seed=1, title="t")
    rows = metrics_of(tmp_path)
    plan = loop.packing.plan_steps([len(e.input_ids) for e in examples], settings, 1)
    assert [row["step"] for row in rows] == list(range(1, len(plan) + 1))
    tokens = [sum(examples[unit].num_loss_tokens for unit in step) for step in plan]
    assert [row["tokens"] for row in rows] == [sum(tokens[: n + 1]) for n in range(len(plan))]
    assert [row["row_tokens"] for row in rows] == [sum(len(examples[u].input_ids) for u in step) for step in plan]
    packed = [loop.packing.pack([examples[unit] for unit in step], 160) for step in plan]
    assert [row["rows"] for row in rows] == [len(found) for found in packed]
    for row, count in zip(rows, tokens, strict=True):
        assert row["tokens_per_second"] == pytest.approx(count / row["seconds"], rel=0.2)
        assert (row["stepped"], row["mfu"], row["hfu"]) == (True, None, None)
        assert row["grad_norm"] > 0.05, "the norm before clipping"
        digits = {"loss": 6, "grad_norm": 5, "seconds": 3, "tokens_per_second": 1}
        assert all(row[key] == round(row[key], places) for key, places in digits.items())
    assert (facts.steps, facts.examples, facts.loss_tokens) == (len(plan), len(examples), sum(tokens))
    assert facts.first_loss == rows[0]["loss"]
    tail = [row["loss"] for row in rows[-(len(rows) // 10) :]]
    assert len(tail) == 2
    assert facts.last_loss == round(sum(tail) / 2, 4)
    assert (facts.skipped_steps, facts.resumed_at_step, facts.processes, facts.device) == (0, 0, 1, "cpu")
    assert facts.training_seconds == round(sum(row["seconds"] for row in rows), 1)
    micro_batches = sum(row["rows"] for row in rows)
    assert facts.rows_per_step == round(micro_batches / len(rows), 2)
    assert facts.tokens_per_row == round(sum(row["row_tokens"] for row in rows) / micro_batches, 1)
    assert facts.tokens_per_second is not None
    assert 0 < facts.tokens_per_second <= sum(tokens) / sum(row["seconds"] for row in rows) + 1
    assert (facts.figures, facts.held_out) == ({}, [])


def test_another_seed_is_another_run(base: Path, tmp_path: Path) -> None:
    found = []
    for seed in (1, 2, 1):
        model, settings, examples = opened(base, max_steps=2, warmup_steps=0)
        loop.train(
            model, LanguageModelling(examples, settings), settings, tmp_path / f"{len(found)}", seed=seed, title="t"
        )
        found.append(weights(model))
    assert torch.equal(found[0], found[2])
    assert not torch.equal(found[0], found[1])


def test_every_step_draws_random_numbers_of_its_own(base: Path, tmp_path: Path) -> None:
    for dropout, different in ((0.5, 3), (0.0, 1)):
        model, settings, examples = opened(base, max_steps=3, learning_rate=1e-30, documents_per_step=1)
        for layer in model.model.model.layers:
            layer.self_attn.attention_dropout = dropout
        out = tmp_path / str(dropout)
        loop.train(model, LanguageModelling(examples[:1], settings), settings, out, seed=1, title="t")
        assert len({row["loss"] for row in metrics_of(out)}) == different


def test_a_finished_model_is_whole_or_refused_and_the_checkpoints_stay(base: Path, tmp_path: Path) -> None:
    model, settings, examples = opened(base, max_steps=1)
    loop.train(model, LanguageModelling(examples, settings), settings, tmp_path, seed=1, title="t")

    def refuse(folder: Path) -> None:
        assert (folder / "config.json").exists()
        raise StageError("no")

    with pytest.raises(StageError, match="no"):
        loop.finish(model.model, model.tokenizer, tmp_path, refuse)
    assert (tmp_path / "checkpoints").exists()
    assert not TrainedFolder(tmp_path).model.exists()
    TrainedFolder(tmp_path).model.mkdir()
    (TrainedFolder(tmp_path).model / "old").touch()
    loop.finish(model.model, model.tokenizer, tmp_path)
    assert (tmp_path / "checkpoints").exists(), "until the stage is recorded they are the training"
    assert {"config.json", "model.safetensors"} <= {path.name for path in TrainedFolder(tmp_path).model.iterdir()}
    assert not (TrainedFolder(tmp_path).model / "old").exists()
    assert not (tmp_path / ".model.partial").exists()


def test_checkpoints_are_written_at_intervals_and_once_at_the_end(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    monkeypatch.setattr(loop.Checkpoints, "save", lambda self, step, state, *, write: saved.append(step))
    for minutes, expected in ((1e-9, [1, 2, 3]), (60, [3])):
        model, settings, examples = opened(base, max_steps=3, save_minutes=minutes)
        loop.train(model, LanguageModelling(examples, settings), settings, tmp_path / str(minutes), seed=1, title="t")
        assert saved == expected
        saved.clear()


def test_a_checkpoint_that_cannot_be_written_is_tried_again(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[int] = []

    def save(self: object, step: int, state: object, *, write: bool) -> None:
        assert write
        tried.append(step)
        if len(tried) != 2:
            raise OSError("No space left on device")

    monkeypatch.setattr(loop.Checkpoints, "save", save)
    model, settings, examples = opened(base, max_steps=3, save_minutes=1e-9)
    loop.train(model, LanguageModelling(examples, settings), settings, tmp_path, seed=1, title="t")
    assert tried == [1, 2, 3, 3], "the end is not lost with the last interval"
    assert "step 3 could not be saved (No space left on device)" in caplog.text
