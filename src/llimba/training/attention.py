"""Attention that stops at document boundaries, by explicit `cu_seqlens`, never inferred from positions.

Four backends compute the same thing; `settings.py` chooses one. transformers hands a registered attention function
every keyword of the model's forward, so `cu_seq_lens_q` arrives here whatever the model class, and what the layer asks
for besides: `sliding_window`, `softcap` and `s_aux` (gpt-oss's sinks). No mask is ever built by transformers: an
all-ones mask makes its SDPA path leak, a padded one makes its FlashAttention path ignore boundaries. That the result is
the model's own is not assumed: `forward_check` measures it before training.

Why not transformers' own padding-free path: it guesses boundaries from `position_ids`, only for FlashAttention, and
returns a leaking result where `use_cache` is left at its default (measured with 5.23).
"""

import importlib.util
import inspect
import sys
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
    attention_mask: None = None,
    **kwargs: Any,
) -> Attended:
    """One call a document: the fastest way on a CPU.

    query [1, heads, T, D]; key and value [1, kv_heads, T, D]; returns [1, T, heads, D], the layout that transformers
    expects of an attention function.
    """
    parts = []
    for start, end in pairwise(kwargs["cu_seq_lens_q"].tolist()):
        q, k, v = (tensor[:, :, start:end] for tensor in (query, key, value))
        window = kwargs.get("sliding_window")
        index = torch.arange(end - start, device=query.device)
        mask = _causal(index, window) if window is not None and window < end - start else None
        parts.append(_attend(module, q, k, v, mask, kwargs))
    return torch.cat(parts, dim=1), None


def masked_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None = None,
    **kwargs: Any,
) -> Attended:
    """One call with a block-diagonal causal mask: works everywhere, computes the blocks it throws away."""
    bounds = kwargs["cu_seq_lens_q"].to(query.device)
    index = torch.arange(query.shape[2], device=query.device)
    document = torch.searchsorted(bounds, index, right=True)
    mask = (document[:, None] == document[None, :]) & _causal(index, kwargs.get("sliding_window"))
    return _attend(module, query, key, value, mask, kwargs), None


def _causal(index: torch.Tensor, window: int | None) -> torch.Tensor:
    """Bool [n, n]: what each position attends to; a window of w is the position itself and the w - 1 before it."""
    distance = index[:, None] - index[None, :]
    return (distance >= 0) if window is None else (distance >= 0) & (distance < window)


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    kwargs: dict[str, Any],
) -> torch.Tensor:
    """[1, n, heads, D] by SDPA, or by the model class's own eager function where SDPA cannot; `mask` None is causal."""
    if not _beyond(kwargs, "softcap", "s_aux"):
        attended = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=mask,
            is_causal=mask is None,
            dropout_p=kwargs.get("dropout", 0.0),
            scale=kwargs.get("scaling"),
            enable_gqa=query.shape[1] != key.shape[1],
        )
        return attended.transpose(1, 2)
    if mask is None:
        mask = _causal(torch.arange(query.shape[2], device=query.device), None)
    added = torch.zeros(mask.shape, dtype=query.dtype, device=mask.device)
    added.masked_fill_(~mask, torch.finfo(query.dtype).min)
    eager = sys.modules[type(module).__module__].eager_attention_forward
    result: torch.Tensor = eager(module, query, key, value, added[None, None], **kwargs)[0]
    return result


def varlen_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None = None,
    **kwargs: Any,
) -> Attended:
    """torch's own variable-length flash kernel (CUDA): no flash-attn build needed, cost is the sum of squares.

    A layer that it cannot compute (soft cap, sinks, fp32, a window in torch 2.11) goes through `masked_attention`.
    """
    from torch.nn.attention.varlen import varlen_attn

    parameters = inspect.signature(varlen_attn).parameters
    bounds, longest, window = kwargs["cu_seq_lens_q"], kwargs["max_length_q"], kwargs.get("sliding_window")
    reach = -1 if window is None or window >= longest else window - 1  # tokens before each one; -1: all
    tensors = _half(query, key, value)
    if tensors is None or _beyond(kwargs, "softcap", "s_aux") or (reach >= 0 and "window_size" not in parameters):
        return masked_attention(module, query, key, value, **kwargs)
    if query.shape[1] != key.shape[1]:  # grouped heads, spelled out: torch 2.11 has no enable_gqa here
        groups = query.shape[1] // key.shape[1]
        tensors = [tensors[0], *(tensor.repeat_interleave(groups, dim=1) for tensor in tensors[1:])]
    flat = [tensor[0].transpose(0, 1).contiguous() for tensor in tensors]  # [T, heads, D]
    causal: dict[str, Any] = {"is_causal": True}
    if "window_size" in parameters:
        causal = {"window_size": (reach, 0)}
    if "scale" in parameters:
        causal["scale"] = kwargs.get("scaling")
    attended: Any = varlen_attn(flat[0], flat[1], flat[2], bounds, bounds, longest, longest, **causal)
    return attended[None], None


def flash_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None = None,
    **kwargs: Any,
) -> Attended:
    """FlashAttention 2's `flash_attn_varlen_func`, where that package is installed; `masked_attention` for sinks."""
    from flash_attn import flash_attn_varlen_func  # type: ignore[import-not-found]

    tensors = _half(query, key, value)
    if tensors is None or _beyond(kwargs, "s_aux"):
        return masked_attention(module, query, key, value, **kwargs)
    bounds, longest, window = kwargs["cu_seq_lens_q"], kwargs["max_length_q"], kwargs.get("sliding_window")
    flat = [tensor[0].transpose(0, 1).contiguous() for tensor in tensors]
    attended = flash_attn_varlen_func(
        *flat,
        bounds,
        bounds,
        longest,
        longest,
        dropout_p=kwargs.get("dropout", 0.0),
        softmax_scale=kwargs.get("scaling"),
        causal=True,
        window_size=(-1 if window is None or window >= longest else window - 1, 0),
        **({} if kwargs.get("softcap") is None else {"softcap": kwargs["softcap"]}),
    )
    return attended[None], None


def _half(*tensors: torch.Tensor) -> list[torch.Tensor] | None:
    """In the one half precision that flash kernels take (autocast leaves q and k in fp32); None where it is fp32."""
    device = tensors[0].device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else tensors[-1].dtype
    return None if dtype == torch.float32 else [tensor.to(dtype) for tensor in tensors]


def _beyond(kwargs: dict[str, Any], *keys: str) -> bool:
    """Whether a layer asks for one of these."""
    return any(kwargs.get(key) is not None for key in keys)


BACKENDS = {
    "loop": loop_attention,
    "sdpa": masked_attention,
    "varlen": varlen_attention,
    "flash_attention_2": flash_attention,
}


def unavailable(name: str, device: str) -> str:
    """Why a backend cannot be used on a device of torch's kind ("cuda", "cpu"); "" where it can."""
    if name in ("varlen", "flash_attention_2") and device != "cuda":
        return f"{name} is set but not available on this machine ({device})"
    if name == "flash_attention_2" and importlib.util.find_spec("flash_attn") is None:
        return "flash_attention_2 is set but not available on this machine: flash-attn is not installed"
    return ""


def install(model: Any, name: str) -> None:
    """Register the backend with transformers and switch the model to it.

    Raises `StageError` for one that this machine, or the device that the model is on, does not have.
    """
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    device = next(model.parameters()).device.type
    if fault := unavailable(name, device):
        raise StageError(f"attention: {fault}. Set attention: auto, or sdpa, which works everywhere.")
    # not by its own name: transformers refuses whatever has "sdpa" or "flash" in it for classes without them
    registered = f"llimba_{list(BACKENDS).index(name)}"
    AttentionInterface.register(registered, BACKENDS[name])
    AttentionMaskInterface.register(registered, lambda *_args, **_kwargs: None)  # boundaries are ours: no mask at all
    model.set_attn_implementation(registered)
