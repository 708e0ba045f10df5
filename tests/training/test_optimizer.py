"""The optimizer moves what it should, at the rate it is told, and a missing package is one clear sentence."""

import importlib.util

import pytest
import torch

from llimba.errors import StageError
from llimba.recipe import CptSection
from llimba.training.optimizer import build_optimizer, set_learning_rate
from llimba.training.settings import resolve
from tests.training.test_settings import SHAPE

CPU = torch.device("cpu")


def build(model: torch.nn.Module, **changes: object) -> torch.optim.Optimizer:
    settings = CptSection.model_validate({"precision": "fp32", **changes})
    return build_optimizer(settings, resolve(settings, SHAPE, None), model, CPU)


@pytest.mark.usefixtures("no_compiler")
@pytest.mark.parametrize(("stochastic", "survives"), [(True, 1.0), (False, 0.0)])
def test_small_updates_survive_stochastic_rounding_only(stochastic: bool, survives: float) -> None:
    # 1 + 2**-8 is the next bf16 number after 1: a step of 2**-13 is lost by nearest rounding, 64 of them too
    torch.manual_seed(0)
    layer = torch.nn.Linear(256, 256, bias=False).to(torch.bfloat16)
    torch.nn.init.ones_(layer.weight)
    changes = {"precision": "bf16", "stochastic_rounding": stochastic, "learning_rate": 2**-13}
    optimizer = build(layer, optimizer="adamw_8bit", **changes)
    for _ in range(64):
        layer.weight.grad = torch.full_like(layer.weight, -1.0)
        optimizer.step()
    drift = (layer.weight.float().mean() - 1).item()
    assert drift == pytest.approx(survives * 64 * 2**-13, rel=0.05, abs=1e-6)


@pytest.mark.usefixtures("no_compiler")
def test_the_learning_rate_reaches_every_kind_of_optimizer() -> None:
    for name in ("adamw", "adamw_8bit"):
        layer = torch.nn.Linear(64, 64, bias=False)
        optimizer = build(layer, optimizer=name)
        before = layer.weight.detach().clone()
        set_learning_rate(optimizer, 0.0)
        layer.weight.grad = torch.ones_like(layer.weight)
        optimizer.step()
        assert torch.equal(layer.weight, before)
        set_learning_rate(optimizer, 0.5)
        optimizer.step()
        assert (before - layer.weight).mean().item() == pytest.approx(0.5, rel=0.02)


def test_norms_and_biases_do_not_decay() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.LayerNorm(3))
    optimizer = build(model, weight_decay=0.1, adam_beta2=0.95)
    decaying, plain = optimizer.param_groups
    assert [p.shape for p in decaying["params"]] == [(3, 3)]
    assert decaying["weight_decay"] == 0.1
    assert plain["weight_decay"] == 0
    assert decaying["betas"] == (0.9, 0.95)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_a_missing_optimizer_package_is_named() -> None:
    with pytest.raises(StageError, match=r"needs bitsandbytes.*pip install 'bitsandbytes>=0.45'"):
        build(torch.nn.Linear(2, 2), optimizer="paged_adamw_8bit")
