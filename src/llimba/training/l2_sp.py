"""Decay towards the weights that training started from (L2-SP: Li et al., ICML 2018, arXiv 1802.01483).

Ordinary decay pulls a pretrained weight towards zero, which is forgetting by construction; this pulls it back to where
it came from. Decoupled as in AdamW: after the optimizer's own step, w <- w - lr * strength * (w - w at the start), for
everything that trains, norms too. The start weights are a copy in the host's memory, in the weights' dtype, taken when
the optimizer is built, before any checkpoint is read; so a run that goes on has the same ones. No library has it for a
transformers model; the hook is torch's own.
"""

from typing import Any

import torch
from torch.distributed.tensor import DTensor

from llimba.errors import StageError


def pull_towards_start(optimizer: torch.optim.Optimizer, strength: float) -> None:
    """Let every step of `optimizer` end with the pull; its groups' learning rate is read at every step."""
    start = {p: p.detach().to("cpu", copy=True) for group in optimizer.param_groups for p in group["params"]}

    def pull(_optimizer: torch.optim.Optimizer, _arguments: Any, _keywords: Any) -> None:
        for group in optimizer.param_groups:
            factor = float(group["lr"]) * strength
            for parameter in group["params"]:
                if isinstance(parameter, DTensor):
                    raise StageError("l2_sp: FSDP shards the weights, and their start is kept whole. Use DDP.")
                _pull(parameter.data, start[parameter].to(parameter.device, non_blocking=True), factor)

    optimizer.register_step_post_hook(pull)


def _pull(weight: torch.Tensor, start: torch.Tensor, factor: float) -> None:
    """`weight` moved in place by the share `factor` of its way back; bf16 is rounded stochastically.

    A pull is far below half a unit in the last place of bf16, so rounding to the nearest would undo every one.
    """
    if weight.dtype != torch.bfloat16:
        weight.lerp_(start, factor)
        return
    moved = torch.lerp(weight.float(), start.float(), factor)
    bits = moved.view(torch.int32) + torch.randint(0, 1 << 16, moved.shape, dtype=torch.int32, device=moved.device)
    weight.copy_((bits & -(1 << 16)).view(torch.float32))
