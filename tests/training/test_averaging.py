"""A mean of the weights is the mean worked out by hand, survives a stop to the bit, and is what the run leaves."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from llimba.errors import Interrupted
from llimba.recipe import CptSection
from llimba.training import loop
from llimba.training.averaging import Average, averaged_steps
from llimba.training.checkpoint import load, newest_valid
from tests.training.test_loop import opened, weights


def test_the_mean_of_the_last_is_the_mean() -> None:
    model = torch.nn.Linear(2, 1, bias=False)
    settings = CptSection(average_last=3, average_share=0.6)
    average = Average(model, settings, num_steps=10)
    assert averaged_steps(settings, 10) == [6, 8, 10]
    for step in range(1, 11):
        with torch.no_grad():
            model.weight.copy_(torch.tensor([[float(step), float(step**2)]]))
        average.after(step)
    assert model.weight.tolist()[0] == pytest.approx([(6 + 8 + 10) / 3, (36 + 64 + 100) / 3])
    assert average.reason == "mean after steps 6, 8, 10"


def test_the_exponential_mean_begins_at_the_start_and_follows_its_decay() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(8.0)
    average = Average(model, CptSection(ema_decay=0.75, ema_steps=2), num_steps=5)
    for step in range(1, 6):
        with torch.no_grad():
            model.weight.fill_(float(step))
        average.after(step)
    by_hand = 0.75 * (0.75 * 8 + 0.25 * 2) + 0.25 * 4  # after steps 2 and 4
    assert average.tensors["weight"].item() == pytest.approx(by_hand)


def test_fed_back_the_weights_keep_a_share_of_every_stretch() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = Average(model, CptSection(ema_decay=0.75, ema_steps=2, ema_feedback=True), num_steps=4)
    for step in range(1, 5):
        with torch.no_grad():
            model.weight.add_(1.0)
        average.after(step)
    assert model.weight.item() == pytest.approx(0.25 * 2 + 0.25 * 2)  # two steps of 1, a quarter of them kept, twice
    assert "training went on from it" in str(average.reason)


@pytest.mark.parametrize(("last", "share", "expected"), [(4, 0.2, [85, 90, 95, 100]), (1, 0.2, [100]), (0, 0.2, [])])
def test_which_steps_are_taken(last: int, share: float, expected: list[int]) -> None:
    assert averaged_steps(CptSection(average_last=last, average_share=share), 100) == expected


def test_nothing_is_kept_where_none_is_asked_for() -> None:
    average = Average(torch.nn.Linear(2, 2), CptSection(), 10)
    average.after(10)
    assert (average.tensors, average.reason) == ({}, None)


def test_two_averages_are_refused() -> None:
    with pytest.raises(ValueError, match="two ways to average"):
        CptSection(ema_decay=0.9, average_last=4)


@pytest.mark.parametrize(
    "changes",
    [
        {"ema_decay": 0.8, "ema_steps": 2},
        {"average_last": 3, "average_share": 0.9},
        {"ema_decay": 0.5, "ema_steps": 4, "ema_feedback": True},  # five steps: the last is not in the mean
    ],
)
def test_a_run_that_was_stopped_leaves_the_same_mean(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    model, settings, examples = opened(base, **changes)
    facts = loop.train(model, examples, settings, tmp_path / "whole", seed=1, title="t")
    expected = weights(model)
    checkpoint = newest_valid(tmp_path / "whole" / "checkpoints")
    assert checkpoint is not None
    tensors, state = load(checkpoint)
    mean = torch.cat([tensors["average"][name].flatten() for name, _ in model.model.named_parameters(prefix="model")])
    assert state["step"] == facts["steps"]
    assert torch.equal(mean, expected)
    assert "mean" in facts["averaged"]
    model, settings, examples = opened(base)
    loop.train(model, examples, settings, tmp_path / "without", seed=1, title="t")
    assert not torch.equal(weights(model), expected)

    model, settings, examples = opened(base, **changes)
    pack, calls = loop.packing.pack, []

    def pack_and_signal(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return pack(*arguments)

    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(loop.packing, "pack", pack_and_signal)
        loop.train(model, examples, settings, tmp_path / "part", seed=1, title="t")
    model, settings, examples = opened(base, **changes)
    loop.train(model, examples, settings, tmp_path / "part", seed=1, title="t")
    assert torch.equal(weights(model), expected)
    model, settings, examples = opened(base, **changes)  # killed after the last step, before the model was written
    facts = loop.train(model, examples, settings, tmp_path / "part", seed=1, title="t")
    assert facts["resumed_at_step"] == facts["steps"]
    assert torch.equal(weights(model), expected)
