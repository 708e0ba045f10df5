"""What training a model costs: its sizes, FLOPs a token, bytes of memory line by line.

FLOPs follow the field's convention (PaLM, appendix B; LLMQ's "speed of light"): 2 a matrix weight and token, three
times that for forward and backward, causal attention counted at half the square. Memory follows what `loop` allocates;
the run's manifest keeps the prediction beside the measured peak. Why not `accelerate estimate-memory`: it knows weights
and fp32 Adam only, neither activations nor the loss, and no card.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from llimba.errors import StageError
from llimba.recipe import SftSection, TrainingSection
from llimba.recipe.resolved import ResolvedSettings
from llimba.training import loss
from llimba.training.checkpoint import KEEP


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a model that arithmetic and memory depend on, in parameters."""

    parameters: int
    block_matrices: int  # weights of matrix products inside the blocks, adapters left out
    head: int  # weights of the output embedding, tied or not
    layers: int
    hidden_size: int
    attention_size: int  # heads x head size
    intermediate_size: int
    vocabulary_size: int
    trained: int
    adapter: int

    @classmethod
    def of(cls, model: nn.Module) -> "Shape":
        """Measure a transformers or peft model, real or on the meta device."""
        wrapped: Any = model
        plain = wrapped.get_base_model() if hasattr(wrapped, "get_base_model") else wrapped
        config = plain.config.get_text_config()
        named = dict(plain.named_parameters())
        head = plain.get_output_embeddings().weight
        embedding = plain.get_input_embeddings().weight
        own = {name: p for name, p in named.items() if "lora_" not in name}
        blocks = sum(p.numel() for p in own.values() if p.ndim == 2 and p is not head and p is not embedding)
        heads = config.num_attention_heads
        return cls(
            parameters=sum(p.numel() for p in own.values()),
            block_matrices=blocks,
            head=head.numel(),
            layers=config.num_hidden_layers,
            hidden_size=config.hidden_size,
            attention_size=heads * (getattr(config, "head_dim", None) or config.hidden_size // heads),
            intermediate_size=getattr(config, "intermediate_size", None) or 4 * config.hidden_size,
            vocabulary_size=head.shape[0],
            trained=sum(p.numel() for p in named.values() if p.requires_grad),
            adapter=sum(p.numel() for name, p in named.items() if "lora_" in name),
        )

    def with_adapter(self, settings: TrainingSection, model: nn.Module) -> "Shape":
        """The shape once the recipe's LoRA adapter is on; full fine-tuning leaves it as it is."""
        if not isinstance(settings, SftSection) or settings.adapter_kind is None:
            return self
        linear = [
            module
            for name, module in model.named_modules()
            if isinstance(module, nn.Linear) and name.rpartition(".")[2] in settings.target_modules
        ]
        adapter = sum(settings.lora_r * (module.in_features + module.out_features) for module in linear)
        if settings.adapter_kind == "dora":
            adapter += sum(module.out_features for module in linear)
        return replace(self, trained=adapter, adapter=adapter)


def shape_from_config(config: dict[str, Any]) -> tuple[Shape, nn.Module]:
    """The shape of a model that is not there, from its config.json: built on the meta device, no weight allocated."""
    from transformers import AutoConfig, AutoModelForCausalLM

    given = dict(config)
    try:
        described = AutoConfig.for_model(given.pop("model_type"), **given)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(described)
    except (KeyError, ValueError, TypeError) as error:
        raise StageError(
            f"base_model.config does not describe a causal language model that transformers knows ({error}). Copy the "
            "keys of the model's config.json: model_type and the sizes."
        ) from error
    return Shape.of(model), model


def model_flops(shape: Shape, document_length: float) -> float:
    """FLOPs a token that the mathematics needs, forward and backward; `document_length` in tokens.

    With an adapter the frozen matrices pass a gradient on but get none: two thirds.
    """
    dense = 2.0 * (shape.block_matrices + shape.head)
    attention = 2.0 * document_length * shape.attention_size * shape.layers
    if shape.adapter:
        return 2 * dense + 3 * 2.0 * shape.adapter + 3 * attention
    return 3 * (dense + attention)


def hardware_flops(shape: Shape, document_length: float, checkpointing: bool) -> float:
    """FLOPs a token that the card does: blocks once more with gradient checkpointing, attention backward 2.5 times."""
    again = 1 if checkpointing else 0
    blocks, head, adapter = 2.0 * shape.block_matrices, 2.0 * shape.head, 2.0 * shape.adapter
    attention = 2.0 * document_length * shape.attention_size * shape.layers * (3.5 + again)
    if shape.adapter:
        return (2 + again) * blocks + 2 * head + (3 + again) * adapter + attention
    return (3 + again) * blocks + 3 * head + attention


def mean_document_length(lengths: Sequence[int]) -> float:
    """The length whose attention costs what the documents' does on average: sum of squares over sum."""
    return sum(length * length for length in lengths) / max(1, sum(lengths))


def utilisation(
    shape: Shape, lengths: Sequence[int], settings: TrainingSection, seconds: float, peak: float | None
) -> tuple[float | None, float | None]:
    """(MFU, HFU) of a step over documents of these lengths, no padding counted; None without a known peak (FLOP/s)."""
    if peak is None:
        return None, None
    length, share = mean_document_length(lengths), sum(lengths) / seconds / peak
    hardware = hardware_flops(shape, length, settings.gradient_checkpointing)
    return round(model_flops(shape, length) * share, 4), round(hardware * share, 4)


def trained_width(shape: Shape, precision: str) -> int:
    """Bytes of a trained weight: peft keeps an adapter in fp32 whatever the model is in."""
    return 2 if precision == "bf16" and not shape.adapter else 4


def moments(optimizer: str, width: int) -> float:
    """Bytes of an optimizer's state a trained weight of `width` bytes.

    torch's AdamW keeps its two moments in the weights' dtype; both 8-bit ones keep two bytes and an fp32 scale for
    every 256 of each.
    """
    return 2.0 * width if optimizer == "adamw" else 2 * (1 + 4 / 256)


def checkpoint_disk(shape: Shape, resolved: ResolvedSettings) -> float:
    """Bytes that the checkpoints of a run need: those kept, and the one being written, each weights and moments."""
    width = trained_width(shape, resolved.precision.value)
    return (KEEP + 1) * shape.trained * (width + moments(resolved.optimizer.value, width))


def model_disk(shape: Shape, resolved: ResolvedSettings) -> float:
    """Bytes of the folder that training leaves: all weights as they were trained, and an adapter beside them."""
    width = 2 if resolved.precision.value == "bf16" else 4
    return float(width * shape.parameters + trained_width(shape, resolved.precision.value) * shape.adapter)


def memory(shape: Shape, settings: TrainingSection, precision: str, optimizer: str) -> dict[str, float]:
    """Bytes at the peak, line by line, for full rows; what the process needs besides tensors is not among them."""
    whole = 2 if isinstance(settings, SftSection) and settings.prefers else 1  # a pair of answers is in one row
    row = max(settings.row_length or 0, whole * settings.sequence_length)  # a full document has a row of its own
    width = 2 if precision == "bf16" else 4  # of the weights
    compute = 4 if precision == "fp32" else 2  # of what flows between matrix products
    trained = trained_width(shape, precision)
    head_trains = not shape.adapter
    lines = {
        "weights": float(width * shape.parameters + trained * shape.adapter),
        "gradients": float(trained * shape.trained),
        "optimizer": moments(optimizer, trained) * shape.trained,
    }
    if precision == "mixed":
        lines["bf16 copies of the weights"] = 2.0 * (shape.block_matrices + shape.head)
    # Kept per block and token, in elements: the two norms' fp32 copies and inputs, q, k, v, rotated q and k, the
    # attention's output (about 10 hidden sizes), gate, up, activation and product (4 intermediate sizes).
    block = row * (10 * shape.hidden_size + 4 * shape.intermediate_size) * compute
    if settings.gradient_checkpointing:
        kept = shape.layers * row * shape.hidden_size * (width if precision == "bf16" else 4)
        lines["activations"] = float(kept + 1.5 * block)  # block inputs, and one block again with its gradients
    else:
        lines["activations"] = float((shape.layers + 0.5) * block)
    chunk = min(row, loss.CHUNK) * shape.vocabulary_size
    lines["loss"] = float(chunk * (4 + 4 + 2 * compute) + row * shape.hidden_size * compute)
    if head_trains:  # an fp32 sum of the head's gradient, which the loss hands over in the weights' dtype
        lines["loss"] += (4 + (width if width != 4 else 0)) * shape.head
    return lines
