"""What `llimba plan` says of a training stage before it runs: does it fit the card, how long, how much disk."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from llimba.models.base_model import apply_to_tokenizer, config_at_hand, token_contract, tokenizer_at_hand
from llimba.recipe import ModelSection, TrainingSection
from llimba.recipe.resolved import ResolvedSettings
from llimba.reports.plan_table import EpochPart, Estimate
from llimba.training import cost, packing
from llimba.training.allocator import GAPS
from llimba.training.cards import GIB, Card, find_card
from llimba.training.examples import Example
from llimba.training.objectives import Objective
from llimba.training.settings import resolve

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

UTILISATION = 0.4  # of the peak, recomputation counted: what well-built PyTorch trainers reach on one card
CUDA_CONTEXT = 0.6 * GIB  # driver context and cuBLAS workspace, outside torch's allocator
PROCESS = 0.9 * GIB  # Python with torch and transformers loaded (measured on Linux, x86_64)


class Counted(NamedTuple):
    """The text of a stage in a tokenizer's ids: what it trains on, and what an epoch of it holds by key."""

    objective: Objective
    epoch: dict[str, EpochPart]
    foreseen: str = ""  # what is not there yet and was taken to be so long; empty: counts are exact


def estimate_stage(
    base_model: ModelSection,
    settings: TrainingSection,
    card: str | None,
    text: "Callable[[PreTrainedTokenizerBase], Counted] | str",
    seed: int,
    max_tokens: int | None,
) -> Estimate:
    """`estimate` for a stage of a recipe; fetches nothing.

    `text` counts with a tokenizer what the stage trains on, or says why that is not there yet: then `max_tokens` of an
    epoch must do. Raises `StageError` where the model's size is unknown.
    """
    from transformers import AutoTokenizer

    shape, outline = cost.shape_from_config(config_at_hand(base_model))
    shape, card_here = shape.with_adapter(settings, outline), find_card(card)
    folder = tokenizer_at_hand(base_model)
    if isinstance(text, str) or folder is None:
        why = text if isinstance(text, str) else f"known once the tokenizer of {base_model.name} is on this disk"
        bound = _bound(settings, max_tokens)
        return estimate(shape, settings, card_here, None, seed, max_tokens).model_copy(
            update={"why": f"{why}; {bound}" if bound else why}
        )
    logger.info("counting tokens as %s reads them", base_model.name)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    apply_to_tokenizer(tokenizer, token_contract(tokenizer, base_model.tokens))
    made = text(tokenizer)
    found = estimate(shape, settings, card_here, made.objective.lengths, seed, max_tokens, made.objective.phases)
    return found.model_copy(
        update={"epoch": made.epoch, "why": made.foreseen, "certainty": "about" if made.foreseen else "counted"}
    )


def epoch_parts(examples: Iterable[Example], asked: Mapping[str, float] | None = None) -> dict[str, EpochPart]:
    """Tokens and documents of one epoch by key, and the shares `asked` for; a document in pieces counts once."""
    tokens, pieces, documents = Counter[str](), Counter[str](), defaultdict[str, set[str]](set)
    for example in examples:
        tokens[example.language] += len(example.input_ids)
        pieces[example.language] += 1
        documents[example.language].add(example.document)
    return {
        key: EpochPart(tokens=number, documents=len(documents[key]), pieces=pieces[key], asked=(asked or {}).get(key))
        for key, number in tokens.items()
    }


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
        certainty="counted" if steps else "at most" if tokens else "unknown",
        hours=round(tokens / speed / 3600, 3) if tokens else None,
        hours_per_million_tokens=round(1e6 / speed / 3600, 3),
        checkpoint_disk_gib=round(cost.checkpoint_disk(shape, resolved) / GIB, 1),
    )


def most_tokens(settings: TrainingSection, max_tokens: int | None) -> int | None:
    """Tokens that a run has at most by its recipe alone, before its text is there; None where nothing bounds them."""
    bounds = [round(max_tokens * settings.num_train_epochs)] if max_tokens else []
    if settings.max_steps and settings.tokens_per_step:
        bounds.append(settings.max_steps * settings.tokens_per_step)
    return min(bounds, default=None)


def _bound(settings: TrainingSection, max_tokens: int | None) -> str:
    """What `most_tokens` comes from, for people; "" for nothing."""
    if (tokens := most_tokens(settings, max_tokens)) is None:
        return ""
    if tokens == (settings.max_steps or 0) * (settings.tokens_per_step or 0):
        return f"at most {tokens:,} tokens by max_steps x tokens_per_step"
    return f"at most {tokens:,} tokens by max_tokens x num_train_epochs"


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
