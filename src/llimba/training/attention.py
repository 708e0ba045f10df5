"""Attention that stops at document boundaries, by explicit `cu_seqlens`, never inferred from positions.

Four backends compute the same thing; `settings.py` chooses one. transformers hands a registered attention function
every keyword of the model's forward, so `cu_seq_lens_q` arrives here whatever the model class. No mask is ever built by
transformers: an all-ones mask makes its SDPA path leak, a padded one makes its FlashAttention path ignore boundaries.

Why not transformers' own padding-free path: it guesses boundaries from `position_ids`, only for FlashAttention, and
returns a leaking result where `use_cache` is left at its default (measured with 5.23).
"""

import importlib.util
import inspect
from itertools import pairwise
from typing import Any

import torch
from torch.nn import functional as F

from llimba.errors import StageError

Attended = tuple[torch.Tensor, None]


def loop_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _mask: None,
    **kwargs: Any,
) -> Attended:
    """One causal SDPA call a document: the oracle, and the fastest way on a CPU.

    query [1, heads, T, D]; key and value [1, kv_heads, T, D]; returns [1, T, heads, D], the layout that transformers
    expects of an attention function.
    """
    bounds = kwargs["cu_seq_lens_q"].tolist()
    parts = [
        F.scaled_dot_product_attention(
            query[:, :, start:end],
            key[:, :, start:end],
            value[:, :, start:end],
            is_causal=True,
            dropout_p=kwargs.get("dropout", 0.0),
            scale=kwargs.get("scaling"),
            enable_gqa=query.shape[1] != key.shape[1],
        )
        for start, end in pairwise(bounds)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2), None


def masked_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _mask: None,
    **kwargs: Any,
) -> Attended:
    """One SDPA call with a block-diagonal causal mask: works everywhere, computes the blocks it throws away."""
    bounds = kwargs["cu_seq_lens_q"].to(query.device)
    index = torch.arange(query.shape[2], device=query.device)
    document = torch.searchsorted(bounds, index, right=True)
    mask = (document[:, None] == document[None, :]) & (index[:, None] >= index[None, :])
    attended = F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask[None, None],
        dropout_p=kwargs.get("dropout", 0.0),
        scale=kwargs.get("scaling"),
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return attended.transpose(1, 2), None


def varlen_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _mask: None,
    **kwargs: Any,
) -> Attended:
    """torch's own variable-length flash kernel (CUDA): no flash-attn build needed, cost is the sum of squares."""
    from torch.nn.attention.varlen import varlen_attn

    bounds, longest = kwargs["cu_seq_lens_q"], kwargs["max_length_q"]
    if query.shape[1] != key.shape[1]:  # grouped heads, spelled out: torch 2.11 has no enable_gqa here
        key = key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)
        value = value.repeat_interleave(query.shape[1] // value.shape[1], dim=1)
    flat = [tensor[0].transpose(0, 1).contiguous() for tensor in (query, key, value)]  # [T, heads, D]
    parameters = inspect.signature(varlen_attn).parameters
    causal: dict[str, Any] = {"is_causal": True} if "is_causal" in parameters else {"window_size": (-1, 0)}
    if "scale" in parameters:
        causal["scale"] = kwargs.get("scaling")
    attended: Any = varlen_attn(flat[0], flat[1], flat[2], bounds, bounds, longest, longest, **causal)
    return attended[None], None


def flash_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _mask: None,
    **kwargs: Any,
) -> Attended:
    """FlashAttention 2's `flash_attn_varlen_func`, where that package is installed."""
    from flash_attn import flash_attn_varlen_func  # type: ignore[import-not-found]

    bounds, longest = kwargs["cu_seq_lens_q"], kwargs["max_length_q"]
    flat = [tensor[0].transpose(0, 1).contiguous() for tensor in (query, key, value)]
    attended = flash_attn_varlen_func(
        *flat,
        bounds,
        bounds,
        longest,
        longest,
        dropout_p=kwargs.get("dropout", 0.0),
        softmax_scale=kwargs.get("scaling"),
        causal=True,
    )
    return attended[None], None


BACKENDS = {
    "loop": loop_attention,
    "sdpa": masked_attention,
    "varlen": varlen_attention,
    "flash_attention_2": flash_attention,
}


def install(model: Any, name: str) -> None:
    """Register the backend with transformers and switch the model to it.

    Raises `StageError` for one that this machine, or the device that the model is on, does not have.
    """
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    device = next(model.parameters()).device.type
    if (name == "flash_attention_2" and importlib.util.find_spec("flash_attn") is None) or (
        name in ("varlen", "flash_attention_2") and device != "cuda"
    ):
        raise StageError(
            f"attention: {name} is set but not available on this machine ({device}). Set attention: auto, or sdpa, "
            "which works everywhere."
        )
    registered = f"llimba_{name}"
    AttentionInterface.register(registered, BACKENDS[name])
    AttentionMaskInterface.register(registered, lambda *_args, **_kwargs: None)  # boundaries are ours: no mask at all
    model.set_attn_implementation(registered)
