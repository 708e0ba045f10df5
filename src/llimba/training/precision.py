"""Which numbers the weights are kept in, and which optimizer moves them: chosen from what fits, said with a reason."""

import importlib
import importlib.util
from typing import Any

import torch

from llimba.errors import StageError
from llimba.recipe import TrainingSection
from llimba.training import cost


def choose_precision(settings: TrainingSection, shape: cost.Shape, gpu_memory: float | None) -> tuple[str, str]:
    """Resolve "auto"; returns (precision, reason). `gpu_memory` in bytes, None on a CPU.

    `mixed` keeps fp32 weights and computes in bf16 autocast; `bf16` keeps everything in bf16; `fp32` is plain.
    """
    if settings.precision != "auto":
        return settings.precision, "set in the recipe"
    if gpu_memory is not None:
        needed = sum(cost.memory(shape, settings, "mixed", "adamw").values())
        if needed < 0.9 * gpu_memory:
            return "mixed", f"fp32 weights, gradients and moments need {needed / 2**30:.1f} GiB and fit this card"
        return "bf16", f"fp32 weights, gradients and moments need {needed / 2**30:.1f} GiB and do not fit this card"
    if cpu_has_bf16():
        return "mixed", "this CPU multiplies in bf16, about 2.5 times faster than in fp32"
    return "fp32", "this CPU has no bf16 arithmetic"


def cpu_has_bf16() -> bool:
    """Whether this CPU has bf16 dot products (AVX512-BF16 or AMX); without them bf16 is slower than fp32."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    amx = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool((supported and supported()) or (amx and amx()))


def build_optimizer(settings: TrainingSection, model: Any, device: torch.device) -> tuple[torch.optim.Optimizer, str]:
    """The optimizer over what trains, in two groups: matrices decay, norms and biases do not. Returns (it, reason)."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return _optimizer(settings, groups, device, bf16=trained[0].dtype == torch.bfloat16)


def _optimizer(
    settings: TrainingSection, groups: list[dict[str, Any]], device: torch.device, *, bf16: bool
) -> tuple[torch.optim.Optimizer, str]:
    arguments: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": (settings.adam_beta1, settings.adam_beta2),
        "eps": settings.adam_epsilon,
    }
    name, reason = choose_optimizer(settings, bf16)
    if name == "adamw":
        return torch.optim.AdamW(groups, fused=device.type in ("cpu", "cuda"), **arguments), f"adamw ({reason})"
    if name == "adamw_8bit":
        torchao_optim = _library("torchao.optim", name)
        stochastic = bf16 if settings.stochastic_rounding is None else settings.stochastic_rounding
        rounding = "; bf16 weights are rounded stochastically" if stochastic and bf16 else ""
        optimizer = torchao_optim.AdamW8bit(groups, bf16_stochastic_round=stochastic, **arguments)
        return optimizer, f"adamw_8bit ({reason}{rounding})"
    return _library("bitsandbytes.optim", name).PagedAdamW8bit(groups, **arguments), f"paged_adamw_8bit ({reason})"


def choose_optimizer(settings: TrainingSection, bf16: bool) -> tuple[str, str]:
    """Resolve "auto"; returns (optimizer, reason). `bf16`: the trained weights are kept in bf16."""
    if settings.optimizer != "auto":
        return settings.optimizer, "set in the recipe"
    if settings.stochastic_rounding:
        return "adamw_8bit", "the recipe sets stochastic_rounding"
    if not bf16:
        return "adamw", "fp32 weights: the moments fit beside them"
    if importlib.util.find_spec("torchao") is not None:
        return "adamw_8bit", "bf16 weights: 8-bit moments fit beside them"
    return "adamw", "bf16 weights; `pip install llimba[gpu]` brings 8-bit moments and stochastic rounding"


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set every group's learning rate; torchao keeps it in a tensor, so that compiled steps see it change."""
    for group in optimizer.param_groups:
        if torch.is_tensor(group["lr"]):
            group["lr"].fill_(learning_rate)
        else:
            group["lr"] = learning_rate


def _library(module: str, optimizer: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise StageError(
            f"optimizer: {optimizer} needs {module.split('.')[0]}, which is not installed: `pip install llimba[gpu]`, "
            "or set optimizer: adamw (8 bytes more a parameter in fp32, 2 in bf16)."
        ) from error
