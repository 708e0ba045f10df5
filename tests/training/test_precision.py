"""Values are chosen with reasons, and a missing optional package is one clear sentence."""

import importlib.util

import pytest
import torch

from llimba.errors import StageError
from llimba.recipe import CptSection
from llimba.training.cost import shape_from_config
from llimba.training.precision import (
    build_optimizer,
    choose_optimizer,
    choose_precision,
    cpu_has_bf16,
    set_learning_rate,
)
from tests.training.test_cost import QWEN_3B

CPU = torch.device("cpu")


SHAPE, _ = shape_from_config(QWEN_3B)


def test_what_is_set_is_kept_and_auto_gives_its_reason() -> None:
    assert choose_precision(CptSection(precision="fp32"), SHAPE, None) == ("fp32", "set in the recipe")
    value, reason = choose_precision(CptSection(), SHAPE, None)
    assert value == ("mixed" if cpu_has_bf16() else "fp32")
    assert "CPU" in reason


def test_on_a_gpu_auto_is_what_fits() -> None:
    settings = CptSection(gradient_checkpointing=True)
    assert choose_precision(settings, SHAPE, 80e9)[0] == "mixed"
    value, reason = choose_precision(settings, SHAPE, 24e9)
    assert value == "bf16"
    assert "do not fit" in reason


def test_auto_optimizer_follows_the_weights() -> None:
    assert choose_optimizer(CptSection(), bf16=False)[0] == "adamw"
    assert choose_optimizer(CptSection(), bf16=True)[0] == "adamw_8bit"
    assert choose_optimizer(CptSection(optimizer="paged_adamw_8bit"), bf16=True)[0] == "paged_adamw_8bit"
    assert choose_optimizer(CptSection(stochastic_rounding=True), bf16=False)[0] == "adamw_8bit"


@pytest.mark.usefixtures("no_compiler")
@pytest.mark.parametrize(("stochastic", "survives"), [(True, 1.0), (False, 0.0)])
def test_small_updates_survive_stochastic_rounding_only(stochastic: bool, survives: float) -> None:
    # 1 + 2**-8 is the next bf16 number after 1: a step of 2**-13 is lost by nearest rounding, 64 of them too
    torch.manual_seed(0)
    layer = torch.nn.Linear(256, 256, bias=False).to(torch.bfloat16)
    torch.nn.init.ones_(layer.weight)
    settings = CptSection(optimizer="adamw_8bit", stochastic_rounding=stochastic, learning_rate=2**-13)
    optimizer, reason = build_optimizer(settings, layer, CPU)
    assert ("stochastically" in reason) == stochastic
    for _ in range(64):
        layer.weight.grad = torch.full_like(layer.weight, -1.0)
        optimizer.step()
    drift = (layer.weight.float().mean() - 1).item()
    assert drift == pytest.approx(survives * 64 * 2**-13, rel=0.05, abs=1e-6)


@pytest.mark.usefixtures("no_compiler")
def test_the_learning_rate_reaches_every_kind_of_optimizer() -> None:
    for name in ("adamw", "adamw_8bit"):
        layer = torch.nn.Linear(64, 64, bias=False)
        optimizer, _ = build_optimizer(CptSection(optimizer=name), layer, CPU)
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
    optimizer, _ = build_optimizer(CptSection(weight_decay=0.1, adam_beta2=0.95), model, CPU)
    decaying, plain = optimizer.param_groups
    assert [p.shape for p in decaying["params"]] == [(3, 3)]
    assert decaying["weight_decay"] == 0.1
    assert plain["weight_decay"] == 0
    assert decaying["betas"] == (0.9, 0.95)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_a_missing_optimizer_package_is_named() -> None:
    with pytest.raises(StageError, match=r"needs bitsandbytes.*pip install llimba\[gpu\]"):
        build_optimizer(CptSection(optimizer="paged_adamw_8bit"), torch.nn.Linear(2, 2), CPU)
