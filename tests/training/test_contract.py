"""What the loop promises holds for every objective: the same bits after a stop, refusals, held-out evaluations."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from llimba.errors import Interrupted, StageError
from llimba.recipe import SftSection, Tokens, TrainingSection
from llimba.records import Conversation
from llimba.reports.training_facts import TrainedFolder, TrainingFacts
from llimba.stages.sft.preference import answer_pairs
from llimba.training import loop
from llimba.training.examples import conversation_example
from llimba.training.model import TrainableModel, open_for_training
from llimba.training.monitor import HeldOut
from llimba.training.objectives import PREFERENCES, LanguageModelling, Objective
from tests.fakes import SENTENCES
from tests.training.test_loop import metrics_of, weights
from tests.training.test_monitor import held_out

METHODS = ["full", "dpo", "orpo"]


def opened(base: Path, method: str) -> tuple[TrainableModel, Objective, SftSection]:
    """Eight conversations in two epochs of steps of four; with dropout, so that the random state matters."""
    settings = SftSection(
        method=method, policy="full", sequence_length=256, row_length=512, documents_per_step=4, num_train_epochs=2,
        learning_rate=3e-3, precision="fp32", report_to=[],
    )  # fmt: skip
    model = open_for_training(base, settings, Tokens())
    for layer in model.model.model.layers:
        layer.self_attn.attention_dropout = 0.1
    talks = [
        Conversation(
            id=f"c{i}", source="s", license="x", provenance="p", rejected=SENTENCES["it"][i],
            messages=[{"role": "user", "content": "Nara"}, {"role": "assistant", "content": SENTENCES["sc"][i]}],
        )
        for i in range(8)
    ]  # fmt: skip
    if method == "full":
        examples = [conversation_example(talk, model.tokenizer, model.contract.eos, 256) for talk in talks]
        return model, LanguageModelling(examples, settings), settings
    return model, PREFERENCES[method](answer_pairs(talks, model.tokenizer, model.contract.eos, settings), 0.1), settings


def train(
    model: TrainableModel, objective: Objective, settings: TrainingSection, out: Path, seen: HeldOut
) -> TrainingFacts:
    return loop.train(model, objective, settings, out, seed=1, title="t", held_out=seen)


@pytest.mark.parametrize("method", METHODS)
def test_stopped_and_continued_it_ends_in_the_same_bits(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    model, objective, settings = opened(base, method)
    facts = train(model, objective, settings, tmp_path / "whole", held_out())
    assert facts.steps == 4
    assert facts.last_loss < facts.first_loss
    expected = weights(model)
    share, calls = loop.packing.share, []

    def share_and_signal(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return share(*arguments)

    model, objective, settings = opened(base, method)
    with monkeypatch.context() as patched, pytest.raises(Interrupted, match="SIGTERM after step 2"):
        patched.setattr(loop.packing, "share", share_and_signal)
        train(model, objective, settings, tmp_path / "part", held_out())
    model, objective, settings = opened(base, method)
    torch.manual_seed(999)
    assert train(model, objective, settings, tmp_path / "part", held_out()).resumed_at_step == 2
    assert torch.equal(weights(model), expected)
    whole, part = (metrics_of(tmp_path / name) for name in ("whole", "part"))
    clocks = {"seconds", "tokens_per_second"}
    assert [{k: row[k] for k in row.keys() - clocks} for row in whole] == [
        {k: row[k] for k in row.keys() - clocks} for row in part
    ]
    assert set(objective.figures) <= whole[0].keys()
    assert facts.figures == {name: whole[-1][name] for name in objective.figures}
    assert (
        TrainedFolder(tmp_path / "whole").held_out_metrics()
        == TrainedFolder(tmp_path / "part").held_out_metrics()
        == facts.held_out
    )
    assert [row["step"] for row in facts.held_out] == [0, 1, 2, 3, 4]
    assert facts.held_out[0]["sc"] != facts.held_out[-1]["sc"]


@pytest.mark.parametrize("method", METHODS)
def test_three_steps_that_are_not_finite_end_the_run_and_two_do_not(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    model, objective, settings = opened(base, method)
    before, plain, broken = weights(model), type(objective).loss, {0, 1}

    def loss(self: Any, module: Any, row: Any, step: Any) -> tuple[torch.Tensor, torch.Tensor]:
        found, figures = plain(self, module, row, step)
        done = len(metrics_of(tmp_path / "out"))
        return found * (float("nan") if done in broken else 1), figures

    monkeypatch.setattr(type(objective), "loss", loss)
    train(model, objective, settings, tmp_path / "out", HeldOut())
    assert [row["stepped"] for row in metrics_of(tmp_path / "out")] == [False, False, True, True]
    assert not torch.equal(weights(model), before)
    shutil.rmtree(tmp_path / "out")
    broken |= {2}
    model, objective, settings = opened(base, method)
    with pytest.raises(
        StageError, match=r"not finite in 3 steps in a row, up to step 3.*Documents of the last one: c\d"
    ):
        train(model, objective, settings, tmp_path / "out", HeldOut())
    assert torch.equal(weights(model), before)


@pytest.mark.parametrize("method", METHODS)
def test_a_disk_too_small_for_the_checkpoints_is_refused_before_the_first_step(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    model, objective, settings = opened(base, method)
    usage = shutil.disk_usage(tmp_path)
    needed = 3 * 12 * sum(p.numel() for p in model.model.parameters())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=needed - 1))
    before = weights(model)
    with pytest.raises(StageError, match="and training needs .* for its checkpoints"):
        train(model, objective, settings, tmp_path / "out", HeldOut())
    assert torch.equal(weights(model), before)
    assert not (tmp_path / "out" / "metrics.jsonl").exists()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=needed))
    train(model, objective, settings, tmp_path / "out", HeldOut())
