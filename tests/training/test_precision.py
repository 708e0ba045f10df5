"""Values are chosen with reasons, and a missing optional package is one clear sentence."""

import importlib.util

import pytest
import torch

from llimba.errors import StageError
from llimba.recipe import CptSection
from llimba.training.precision import build_optimizer, choose_precision, cpu_has_bf16

CPU = torch.device("cpu")


def test_what_is_set_is_kept_and_auto_gives_its_reason() -> None:
    assert choose_precision("fp32", CPU, 10) == ("fp32", "set in the recipe")
    value, reason = choose_precision("auto", CPU, 10)
    assert value == ("mixed" if cpu_has_bf16() else "fp32")
    assert "CPU" in reason


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
