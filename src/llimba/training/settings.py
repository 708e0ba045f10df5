"""The settings that a recipe leaves open, resolved once, before anything is loaded: one function, each with a reason.

What is resolved depends on the recipe's section, the model's shape and the memory of the card; so `llimba plan` gets
for a card that is not here what a run on it would get.
"""

import importlib.util
from pathlib import Path

import torch

from llimba.models.device import cpu_has_bf16
from llimba.recipe import TrainingSection
from llimba.recipe.resolved import Resolved, ResolvedSettings
from llimba.training import cost

IN_RECIPE = "set in the recipe"
CPU_ROW = 1024  # SmolLM2-135M on 2 cores: such rows train 10 to 30 % faster than rows of 4,096; a GPU wants long ones


def resolve(settings: TrainingSection, shape: cost.Shape, gpu_memory: float | None) -> ResolvedSettings:
    """Resolve a section for a model; `gpu_memory` is what the card has, in bytes, None on a CPU."""
    precision = _precision(settings, shape, gpu_memory)
    bf16 = cost.trained_width(shape, precision.value) == 2
    optimizer = _optimizer(settings, bf16)
    return ResolvedSettings(
        precision=precision,
        optimizer=optimizer,
        stochastic_rounding=_stochastic_rounding(settings, optimizer.value, bf16),
        attention=_attention(settings, gpu_memory is not None),
        row_length=_row_length(settings, gpu_memory is not None),
    )


def resolve_for(folder: Path, settings: TrainingSection) -> ResolvedSettings:
    """`resolve` for the model in a transformers folder, on this machine."""
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        outline = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    memory = torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else None
    return resolve(settings, cost.Shape.of(outline).with_adapter(settings, outline), memory)


def _precision(settings: TrainingSection, shape: cost.Shape, gpu_memory: float | None) -> Resolved[str]:
    """`mixed` keeps fp32 weights and computes in bf16 autocast; `bf16` keeps everything in bf16; `fp32` is plain."""
    if settings.precision != "auto":
        return Resolved(value=settings.precision, reason=IN_RECIPE)
    if gpu_memory is not None:
        needed = sum(cost.memory(shape, settings, "mixed", "adamw").values())
        copies = f"fp32 weights, gradients and moments need {needed / 2**30:.1f} GiB and"
        if needed < 0.9 * gpu_memory:
            return Resolved(value="mixed", reason=f"{copies} fit this card")
        return Resolved(value="bf16", reason=f"{copies} do not fit this card")
    if cpu_has_bf16():
        return Resolved(value="mixed", reason="this CPU multiplies in bf16, about 2.5 times faster than in fp32")
    return Resolved(value="fp32", reason="this CPU has no bf16 arithmetic")


def _optimizer(settings: TrainingSection, bf16: bool) -> Resolved[str]:
    """`bf16`: the trained weights are kept in bf16."""
    if settings.optimizer != "auto":
        return Resolved(value=settings.optimizer, reason=IN_RECIPE)
    if settings.stochastic_rounding:
        return Resolved(value="adamw_8bit", reason="the recipe sets stochastic_rounding")
    if not bf16:
        return Resolved(value="adamw", reason="fp32 weights: the moments fit beside them")
    if importlib.util.find_spec("torchao") is not None:
        return Resolved(value="adamw_8bit", reason="bf16 weights: 8-bit moments fit beside them")
    why = "bf16 weights; `pip install llimba[gpu]` brings 8-bit moments and stochastic rounding"
    return Resolved(value="adamw", reason=why)


def _stochastic_rounding(settings: TrainingSection, optimizer: str, bf16: bool) -> Resolved[bool]:
    if not bf16:
        return Resolved(value=False, reason="fp32 weights need none")
    if optimizer != "adamw_8bit":
        return Resolved(value=False, reason=f"{optimizer} rounds to the nearest")
    if settings.stochastic_rounding is not None:
        return Resolved(value=settings.stochastic_rounding, reason=IN_RECIPE)
    return Resolved(value=True, reason="bf16 weights lose small updates without it")


def _attention(settings: TrainingSection, gpu: bool) -> Resolved[str]:
    """The fastest backend for the device; that one named in the recipe is there is checked when it is installed."""
    if settings.attention != "auto":
        return Resolved(value=settings.attention, reason=IN_RECIPE)
    if not gpu:
        return Resolved(value="loop", reason="no GPU: one call a document is faster than a masked square")
    if importlib.util.find_spec("flash_attn") is not None:
        return Resolved(value="flash_attention_2", reason="flash-attn is installed")
    if importlib.util.find_spec("torch.nn.attention.varlen") is not None:
        return Resolved(value="varlen", reason="torch's own variable-length kernel")
    return Resolved(value="sdpa", reason="neither flash-attn nor torch's varlen kernel is here")


def _row_length(settings: TrainingSection, gpu: bool) -> Resolved[int]:
    if settings.row_length is not None:
        return Resolved(value=settings.row_length, reason=IN_RECIPE)
    if gpu or settings.sequence_length <= CPU_ROW:
        return Resolved(value=settings.sequence_length, reason="sequence_length")
    return Resolved(value=CPU_ROW, reason="rows that fit a CPU's caches train faster")
