"""Which numbers the weights are kept in, and which optimizer moves them: chosen from what fits, said with a reason."""

from typing import Any

import torch

from llimba.errors import StageError
from llimba.recipe import TrainingSection

BYTES_PER_PARAMETER = {
    "mixed": 16,
    "fp32": 16,
    "bf16": 6,
}  # weights, gradients and AdamW's two moments (8-bit for bf16)


def choose_precision(name: str, device: torch.device, num_parameters: int) -> tuple[str, str]:
    """Resolve "auto"; returns (precision, reason).

    `mixed` keeps fp32 weights and computes in bf16 autocast; `bf16` keeps everything in bf16; `fp32` is plain.
    """
    if name != "auto":
        return name, "set in the recipe"
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        needed = BYTES_PER_PARAMETER["mixed"] * num_parameters
        if needed < 0.7 * total:
            return "mixed", f"fp32 weights, gradients and moments ({needed / 2**30:.1f} GiB) fit this card"
        return "bf16", f"fp32 states ({needed / 2**30:.1f} GiB) do not fit this card"
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
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    arguments: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": (settings.adam_beta1, settings.adam_beta2),
        "eps": settings.adam_epsilon,
    }
    groups = [group for group in groups if group["params"]]
    name, reason = settings.optimizer, "set in the recipe"
    if name == "auto":
        bf16_on_gpu = device.type == "cuda" and trained[0].dtype == torch.bfloat16
        name = "paged_adamw_8bit" if bf16_on_gpu else "adamw"
        reason = "bf16 weights on a GPU: 8-bit moments fit beside them" if bf16_on_gpu else "the moments fit in memory"
    if name == "adamw":
        return torch.optim.AdamW(groups, fused=device.type in ("cpu", "cuda"), **arguments), f"adamw ({reason})"
    try:
        import bitsandbytes  # type: ignore[import-not-found]
    except ImportError as error:
        raise StageError(
            "optimizer: paged_adamw_8bit needs bitsandbytes, which is not installed: `pip install llimba[gpu]`, or set "
            "optimizer: adamw (12 bytes a parameter instead of 6)."
        ) from error
    return bitsandbytes.optim.PagedAdamW8bit(groups, **arguments), f"paged_adamw_8bit ({reason})"
