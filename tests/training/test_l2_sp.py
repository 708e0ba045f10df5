"""L2-SP pulls towards the start, by as much as is said, in every dtype, and a stopped run goes on to the same bits."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from llimba.errors import Interrupted
from llimba.recipe import CptSection, SftSection
from llimba.training import loop
from llimba.training.precision import build_optimizer, set_learning_rate
from tests.training.test_loop import opened, weights

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["adamw", "adamw_8bit"])
@pytest.mark.usefixtures("no_compiler")
def test_the_pull_is_the_rate_times_the_strength_of_the_way(name: str) -> None:
    layer = torch.nn.Linear(64, 64)
    start = {key: value.detach().clone() for key, value in layer.named_parameters()}
    optimizer, reason = build_optimizer(CptSection(l2_sp=0.5, optimizer=name), layer, CPU)
    assert "decay of 0.5 towards the start weights" in reason
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(1.0)
            parameter.grad = torch.zeros_like(parameter)
    set_learning_rate(optimizer, 0.1)
    optimizer.step()  # no gradient: only the pull
    for key, value in layer.named_parameters():
        assert torch.allclose(value - start[key], torch.tensor(1 - 0.1 * 0.5), atol=1e-5), key


def test_what_bf16_cannot_hold_is_pulled_on_average() -> None:
    layer = torch.nn.Linear(512, 512, bias=False).to(torch.bfloat16)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    optimizer, _ = build_optimizer(CptSection(l2_sp=1e-3, optimizer="adamw"), layer, CPU)
    with torch.no_grad():
        layer.weight.fill_(2.0)
    layer.weight.grad = torch.zeros_like(layer.weight)
    set_learning_rate(optimizer, 0.1)
    for _ in range(10):  # each a pull of 1e-4, a hundredth of what two bf16 numbers are apart there
        optimizer.step()
    assert (2 - layer.weight.float()).mean().item() == pytest.approx(1e-3, rel=0.15)


def test_a_trained_model_stays_nearer_to_its_start(base: Path, tmp_path: Path) -> None:
    moved = []
    for strength in (0.0, 300.0):
        model, settings, examples = opened(base, l2_sp=strength)
        before = weights(model)
        loop.train(model, examples, settings, tmp_path / str(strength), seed=1, title="t")
        moved.append((weights(model) - before).norm().item())
    assert 0 < moved[1] < 0.5 * moved[0]


@pytest.mark.parametrize("changes", [{}, {"precision": "bf16", "optimizer": "adamw_8bit"}])
@pytest.mark.usefixtures("no_compiler")
def test_the_start_is_the_base_model_and_not_the_checkpoint(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    changes = {"l2_sp": 50.0, **changes}
    model, settings, examples = opened(base, **changes)
    loop.train(model, examples, settings, tmp_path / "whole", seed=1, title="t")
    expected = weights(model)
    model, settings, examples = opened(base, **changes)
    pack, calls = loop.packing.pack, []

    def pack_and_signal(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return pack(*arguments)

    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(loop.packing, "pack", pack_and_signal)
        loop.train(model, examples, settings, tmp_path / "part", seed=1, title="t")
    model, settings, examples = opened(base, **changes)
    facts = loop.train(model, examples, settings, tmp_path / "part", seed=1, title="t")
    assert facts["resumed_at_step"] == 4
    assert torch.equal(weights(model), expected)


def test_an_adapter_has_no_start_to_go_back_to() -> None:
    with pytest.raises(ValueError, match="an adapter has none to go back to"):
        SftSection(method="lora", l2_sp=0.1)
