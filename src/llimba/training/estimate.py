"""What `llimba plan` says of a training stage before it runs: does it fit the card, how long, how much disk."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from llimba.errors import RecipeError
from llimba.models.base_model import config_at_hand, folder_at_hand
from llimba.recipe import BaseModelSection, TrainingSection
from llimba.training import cost, packing, precision
from llimba.training.allocator import GAPS
from llimba.training.examples import Example

GIB = 2**30
UTILISATION = 0.4  # of the peak, recomputation counted: what well-built PyTorch trainers reach on one card
KEPT_CHECKPOINTS = 2
CUDA_CONTEXT = 0.6 * GIB  # driver context and cuBLAS workspace, outside torch's allocator
PROCESS = 0.9 * GIB  # Python with torch and transformers loaded (measured on Linux, x86_64)


class Card(NamedTuple):
    """Where it will run: bf16 peak with fp32 accumulation in FLOP/s, memory that a process gets, in bytes."""

    name: str
    peak: float
    memory: float
    gpu: bool = True


# Vendor data sheets, dense (half of the figure "with sparsity"); memory as the driver reports it.
CARDS = {
    "rtx3090": Card("RTX 3090", 71.2e12, 23.5 * GIB),
    "rtx4090": Card("RTX 4090", 165.2e12, 23.5 * GIB),
    "rtx5090": Card("RTX 5090", 209.5e12, 31.3 * GIB),
    "l4": Card("L4", 121e12, 22.0 * GIB),
    "a10g": Card("A10G", 70e12, 22.0 * GIB),
    "l40s": Card("L40S", 362e12, 44.4 * GIB),
    "a100": Card("A100", 312e12, 79.2 * GIB),
    "h100": Card("H100", 989.4e12, 79.1 * GIB),
    "h200": Card("H200", 989.4e12, 139.8 * GIB),
}


def find_card(name: str | None) -> Card:
    """The named card, or what this machine has; raises `RecipeError` for a name that is not in `CARDS`."""
    if name is not None:
        key = name.lower().replace(" ", "").replace("-", "")
        if key not in CARDS:
            raise RecipeError(f"--card {name}: not a card that llimba knows; the cards are {', '.join(CARDS)}.")
        return CARDS[key]
    if not torch.cuda.is_available():
        return Card("this machine's CPU", _cpu_peak(), _physical_memory(), gpu=False)
    properties = torch.cuda.get_device_properties(0)
    peak = known_peak(torch.device("cuda", 0)) or _gpu_peak()
    return Card(properties.name, peak, float(properties.total_memory))


def known_peak(device: torch.device) -> float | None:
    """The data sheet's bf16 peak of the card in use, in FLOP/s; None for a CPU or a card that is not in `CARDS`."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_properties(device).name.lower().replace(" ", "").replace("-", "")
    return next((card.peak for key, card in CARDS.items() if key in name), None)


def estimate_stage(
    base_model: BaseModelSection,
    settings: TrainingSection,
    card: str | None,
    examples: Callable[[Any], list[Example]] | None,
    seed: int,
    max_tokens: int | None,
) -> dict[str, Any]:
    """`estimate` for a stage of a recipe. `examples` makes the stage's examples with a tokenizer, None where its text
    is not there yet: then `max_tokens` of an epoch must do. Raises `StageError` where the model's size is unknown.
    """
    from transformers import AutoTokenizer

    shape, outline = cost.shape_from_config(config_at_hand(base_model))
    folder = folder_at_hand(base_model)
    made: list[Example] = []
    if examples is not None and folder is not None:
        made = examples(AutoTokenizer.from_pretrained(folder))
    lengths, phases = [len(example.input_ids) for example in made], [example.phase for example in made]
    shape = shape.with_adapter(settings, outline)
    return estimate(shape, settings, find_card(card), lengths or None, seed, max_tokens, phases)


def estimate(
    shape: cost.Shape,
    settings: TrainingSection,
    card: Card,
    lengths: Sequence[int] | None,
    seed: int,
    max_tokens: int | None = None,
    phases: Sequence[int] = (),
) -> dict[str, Any]:
    """Facts for people and programs; `lengths` are the examples' token counts, None where they are not known yet."""
    chosen, _ = precision.choose_precision(settings, shape, card.memory if card.gpu else None)
    optimizer, _ = precision.choose_optimizer(settings, chosen == "bf16")
    lines = memory_lines(shape, settings, card)
    needed = sum(lines.values())
    steps = packing.plan_steps(lengths, settings, seed, phases) if lengths else None
    if steps and lengths:
        tokens: int | None = sum(lengths[i] for step in steps for i in step)
    else:
        tokens = most_tokens(settings, max_tokens)
    document = cost.mean_document_length(lengths) if lengths else float(settings.sequence_length)
    flops = cost.hardware_flops(shape, document, settings.gradient_checkpointing)
    speed = UTILISATION * card.peak / flops
    state = sum(lines[line] for line in ("weights", "optimizer"))
    return {
        "card": card.name,
        "precision": chosen,
        "optimizer": optimizer,
        "trained_parameters": shape.trained,
        "memory_gib": {line: round(value / GIB, 2) for line, value in lines.items()},
        "needed_gib": round(needed / GIB, 2),
        "available_gib": round(card.memory / GIB, 1),
        "fits": needed <= card.memory,
        "remedy": "" if needed <= card.memory else remedy(shape, settings, card),
        "tokens": tokens,
        "steps": len(steps) if steps else settings.max_steps,
        "mean_document_tokens": round(document),
        "gflops_per_token": round(flops / 1e9, 2),
        "utilisation": UTILISATION,
        "tokens_per_second": round(speed),
        "hours": round(tokens / speed / 3600, 2) if tokens else None,
        "hours_per_million_tokens": round(1e6 / speed / 3600, 3),
        "checkpoint_disk_gib": round(KEPT_CHECKPOINTS * state / GIB, 1),
    }


def most_tokens(settings: TrainingSection, max_tokens: int | None) -> int | None:
    """Tokens that a run has at most by its recipe alone, before its text is there; None where nothing bounds them."""
    bounds = [round(max_tokens * settings.num_train_epochs)] if max_tokens else []
    if settings.max_steps and settings.tokens_per_step:
        bounds.append(settings.max_steps * settings.tokens_per_step)
    return min(bounds, default=None)


def memory_lines(shape: cost.Shape, settings: TrainingSection, card: Card) -> dict[str, float]:
    """`cost.memory` for what the recipe's "auto" comes to on this card, and what is gone before a tensor, in bytes."""
    chosen, _ = precision.choose_precision(settings, shape, card.memory if card.gpu else None)
    lines = _lines(shape, settings, chosen, card.gpu)
    return lines | {"CUDA context": CUDA_CONTEXT} if card.gpu else lines


def predicted_peak(shape: cost.Shape, settings: TrainingSection, chosen: str, device: torch.device) -> float:
    """Bytes that `peak_memory` should read at the end of the run: on a GPU tensors only, on a CPU the whole process."""
    return sum(_lines(shape, settings, chosen, device.type == "cuda").values())


def _lines(shape: cost.Shape, settings: TrainingSection, chosen: str, gpu: bool) -> dict[str, float]:
    """Tensors on a GPU; on a CPU the whole process, gaps in its memory included."""
    optimizer, _ = precision.choose_optimizer(settings, chosen == "bf16")
    lines = cost.memory(shape, settings, chosen, optimizer)
    if gpu:
        return lines
    lines |= {"Python and libraries": PROCESS}
    return lines | {"freed, kept at hand": GAPS * sum(lines.values())}


def remedy(shape: cost.Shape, settings: TrainingSection, card: Card) -> str:
    """The switches that make it fit, fewest first; "" where none of ours does."""
    half = settings.sequence_length // 2
    switches: list[dict[str, Any]] = [
        {"gradient_checkpointing": True},
        {"precision": "bf16", "optimizer": "adamw_8bit"},
        {"sequence_length": half, "row_length": half},
    ]
    changed: dict[str, Any] = {}
    for switch in switches:
        changed |= {key: value for key, value in switch.items() if getattr(settings, key) != value}
        if sum(memory_lines(shape, settings.model_copy(update=changed), card).values()) <= card.memory:
            return ", ".join(f"{key}: {str(value).lower()}" for key, value in changed.items())
    return ""


def _physical_memory() -> float:
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _cpu_peak() -> float:
    """FLOP/s of a matrix product on this CPU, measured in a fraction of a second."""
    dtype = torch.bfloat16 if precision.cpu_has_bf16() else torch.float32
    return _matmul_speed(torch.device("cpu"), dtype, 1024)


def _gpu_peak() -> float:
    """FLOP/s of a large matrix product: the peak of a card that is not in the table."""
    return _matmul_speed(torch.device("cuda"), torch.bfloat16, 8192)


def _matmul_speed(device: torch.device, dtype: torch.dtype, size: int) -> float:
    a = torch.ones(size, size, dtype=dtype, device=device)
    best = float("inf")
    for _ in range(5):
        clock = time.perf_counter()
        (a @ a)[0, 0].item()  # .item() waits for the device
        best = min(best, time.perf_counter() - clock)
    return 2.0 * size**3 / best
