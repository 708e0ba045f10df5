"""The optimizer that moves the weights: torch's AdamW, or one with 8-bit moments from torchao or bitsandbytes."""

import importlib
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import nn

from llimba.errors import StageError
from llimba.recipe import TrainingSection
from llimba.recipe.needs import library_fault, pip_install
from llimba.recipe.resolved import ResolvedSettings


class Library(NamedTuple):
    """Where an optimizer comes from."""

    module: str
    requirement: str  # of pip, as in the extra `gpu`


LIBRARIES = {
    "adamw_8bit": Library("torchao.optim", "torchao>=0.15"),
    "paged_adamw_8bit": Library("bitsandbytes.optim", "bitsandbytes>=0.45"),
}


def build_optimizer(
    settings: TrainingSection, resolved: ResolvedSettings, model: nn.Module, device: torch.device
) -> torch.optim.Optimizer:
    """The resolved optimizer over what trains, in two groups: matrices decay, norms and biases do not.

    Raises `StageError` where the package that has it is not installed.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    arguments: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": (settings.adam_beta1, settings.adam_beta2),
        "eps": settings.adam_epsilon,
    }
    name = resolved.optimizer.value
    if name == "adamw":
        return torch.optim.AdamW(groups, fused=device.type in ("cpu", "cuda"), **arguments)
    optimizer: torch.optim.Optimizer
    if name == "adamw_8bit":
        arguments["bf16_stochastic_round"] = resolved.stochastic_rounding.value
        optimizer = _load(name).AdamW8bit(groups, **arguments)
    else:
        optimizer = _load(name).PagedAdamW8bit(groups, **arguments)
    return optimizer


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set every group's learning rate; torchao keeps it in a tensor, so that compiled steps see it change."""
    for group in optimizer.param_groups:
        if torch.is_tensor(group["lr"]):
            group["lr"].fill_(learning_rate)
        else:
            group["lr"] = learning_rate


def _load(name: str) -> ModuleType:
    library = LIBRARIES[name]
    if fault := library_fault(library.module, library.requirement, load=True):
        raise StageError(
            f"optimizer: {name} needs {fault}: {pip_install(library.requirement)}, "
            "or set optimizer: adamw (8 bytes more a parameter in fp32, 2 in bf16)."
        )
    return importlib.import_module(library.module)
