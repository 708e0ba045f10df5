"""What `llimba plan` says of a training stage before it runs: does it fit the card, how long, how much disk."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from llimba.models.base_model import config_at_hand, folder_at_hand
from llimba.recipe import ModelSection, TrainingSection
from llimba.recipe.resolved import ResolvedSettings
from llimba.reports.plan_table import Estimate
from llimba.training import cost, packing
from llimba.training.allocator import GAPS
from llimba.training.cards import GIB, Card, find_card
from llimba.training.objectives import Objective
from llimba.training.settings import resolve

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

UTILISATION = 0.4  # of the peak, recomputation counted: what well-built PyTorch trainers reach on one card
CUDA_CONTEXT = 0.6 * GIB  # driver context and cuBLAS workspace, outside torch's allocator
PROCESS = 0.9 * GIB  # Python with torch and transformers loaded (measured on Linux, x86_64)


def estimate_stage(
    base_model: ModelSection,
    settings: TrainingSection,
    card: str | None,
    objective: "Callable[[PreTrainedTokenizerBase], Objective] | None",
    seed: int,
    max_tokens: int | None,
) -> Estimate:
    """`estimate` for a stage of a recipe. `objective` makes what the stage trains on with a tokenizer, None where its
    text is not there yet: then `max_tokens` of an epoch must do. Raises `StageError` where the model's size is unknown.
    """
    from transformers import AutoTokenizer

    shape, outline = cost.shape_from_config(config_at_hand(base_model))
    folder = folder_at_hand(base_model)
    shape, card_here = shape.with_adapter(settings, outline), find_card(card)
    if objective is None or folder is None:
        return estimate(shape, settings, card_here, None, seed, max_tokens)
    made = objective(AutoTokenizer.from_pretrained(folder))
    return estimate(shape, settings, card_here, made.lengths, seed, max_tokens, made.phases)


def estimate(
    shape: cost.Shape,
    settings: TrainingSection,
    card: Card,
    lengths: Sequence[int] | None,
    seed: int,
    max_tokens: int | None = None,
    phases: Sequence[int] = (),
) -> Estimate:
    """Facts for people and programs; `lengths` are the units' token counts, None where they are not known yet."""
    resolved = resolve(settings, shape, card.memory if card.gpu else None)
    lines = memory_lines(shape, settings, resolved, card)
    needed = sum(lines.values())
    steps = packing.plan_steps(lengths, settings, seed, phases) if lengths else None
    if steps and lengths:
        tokens: int | None = sum(lengths[i] for step in steps for i in step)
    else:
        tokens = most_tokens(settings, max_tokens)
    document = cost.mean_document_length(lengths) if lengths else float(settings.sequence_length)
    flops = cost.hardware_flops(shape, document, settings.gradient_checkpointing)
    speed = UTILISATION * card.peak / flops
    return Estimate(
        card=card.name,
        settings=resolved,
        trained_parameters=shape.trained,
        memory_gib={line: round(value / GIB, 2) for line, value in lines.items()},
        needed_gib=round(needed / GIB, 2),
        available_gib=round(card.memory / GIB, 1),
        fits=needed <= card.memory,
        remedy="" if needed <= card.memory else remedy(shape, settings, card),
        tokens=tokens,
        steps=len(steps) if steps else settings.max_steps,
        mean_document_tokens=round(document),
        gflops_per_token=round(flops / 1e9, 2),
        utilisation=UTILISATION,
        tokens_per_second=round(speed),
        hours=round(tokens / speed / 3600, 2) if tokens else None,
        hours_per_million_tokens=round(1e6 / speed / 3600, 3),
        checkpoint_disk_gib=round(cost.checkpoint_disk(shape, resolved) / GIB, 1),
    )


def most_tokens(settings: TrainingSection, max_tokens: int | None) -> int | None:
    """Tokens that a run has at most by its recipe alone, before its text is there; None where nothing bounds them."""
    bounds = [round(max_tokens * settings.num_train_epochs)] if max_tokens else []
    if settings.max_steps and settings.tokens_per_step:
        bounds.append(settings.max_steps * settings.tokens_per_step)
    return min(bounds, default=None)


def memory_lines(
    shape: cost.Shape, settings: TrainingSection, resolved: ResolvedSettings, card: Card
) -> dict[str, float]:
    """Bytes at the peak, line by line, and what is gone before a tensor is allocated."""
    lines = _lines(shape, settings, resolved, card.gpu)
    return lines | {"CUDA context": CUDA_CONTEXT} if card.gpu else lines


def predicted_peak(shape: cost.Shape, settings: TrainingSection, resolved: ResolvedSettings, gpu: bool) -> float:
    """Bytes that `peak_memory` should read at the end of the run: on a GPU tensors only, on a CPU the whole process."""
    return sum(_lines(shape, settings, resolved, gpu).values())


def _lines(shape: cost.Shape, settings: TrainingSection, resolved: ResolvedSettings, gpu: bool) -> dict[str, float]:
    """Tensors on a GPU; on a CPU the whole process, gaps in its memory included."""
    lines = cost.memory(shape, settings, resolved.precision.value, resolved.optimizer.value)
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
        tried = settings.model_copy(update=changed)
        resolved = resolve(tried, shape, card.memory if card.gpu else None)
        if sum(memory_lines(shape, tried, resolved, card).values()) <= card.memory:
            return ", ".join(f"{key}: {str(value).lower()}" for key, value in changed.items())
    return ""
