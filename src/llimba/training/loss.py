"""Cross-entropy straight from hidden states, without ever holding all the logits.

At 4,096 tokens and Qwen's 151,936 words the logits and their gradients need about 7 GiB in fp32; here a chunk of rows
is turned into logits, loss and gradient at once, so the peak is one chunk. The backward pass is done in the forward
one (the gradient of a sum of losses is known up to a factor), so no matrix product is computed twice.

Why not a library: `torch.nn.functional.linear_cross_entropy` (2.13) is 5 to 10 times slower on a CPU (1,024 tokens x
49,152 words, 2 cores: 3.9 s in fp32, 7.5 s in bf16, against 0.7 s here and 0.8 s plain), sums a bf16 loss in bf16
(10,560 for 10,640) and does not exist in torch 2.11; Liger needs Triton; TRL's `chunked_nll` computes the logits again.
"""

from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from llimba.training.examples import IGNORED

CHUNK = 512  # rows of logits at a time: 512 x 151,936 x 4 bytes = 297 MiB


class LogitRule(NamedTuple):
    """What a model does to its output embedding's product: `softcap` x tanh(`scale` x product / `softcap`)."""

    scale: float = 1.0
    softcap: float | None = None

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """The model's own logits."""
        logits = logits * self.scale if self.scale != 1 else logits
        return logits if self.softcap is None else self.softcap * torch.tanh(logits / self.softcap)


PLAIN = LogitRule()


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        labels: torch.Tensor,
        dtype: torch.dtype,
        chunk: int,
        rule: LogitRule,
        differentiable: bool,
    ) -> torch.Tensor:
        words = weight.to(dtype)
        needed = [differentiable and t is not None and t.requires_grad for t in (hidden, weight, bias)]
        hidden_grad = torch.empty_like(hidden) if needed[0] else None
        weight_grad = torch.zeros_like(weight, dtype=torch.float32) if needed[1] else None
        bias_grad = torch.zeros_like(bias, dtype=torch.float32) if bias is not None and needed[2] else None
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        for start in range(0, hidden.shape[0], chunk):
            rows = slice(start, start + chunk)
            states, target = hidden[rows].to(dtype), labels[rows]
            counts = target != IGNORED
            target = target.clamp(min=0)[:, None]
            logits = (states @ words.T).float()
            if bias is not None:
                logits += bias.float()
            logits = rule.apply(logits)
            log_sum = logits.logsumexp(dim=1, keepdim=True)
            total += ((log_sum - logits.gather(1, target))[:, 0] * counts).sum()
            if not any(needed):
                continue
            # d logits / d product: the scale, and the slope of the soft cap
            slope = None if rule.softcap is None else 1 - (logits / rule.softcap).square_()
            # d loss / d logits = softmax - one_hot(target), and nothing where the label is ignored
            probability = logits.sub_(log_sum).exp_()
            probability.scatter_add_(1, target, probability.new_full((), -1.0).expand_as(target))
            probability.mul_(counts[:, None])
            if slope is not None:
                probability.mul_(slope)
            gradient = (probability * rule.scale if rule.scale != 1 else probability).to(dtype)
            if hidden_grad is not None:
                hidden_grad[rows] = gradient @ words
            if weight_grad is not None:
                weight_grad += gradient.T @ states
            if bias_grad is not None:
                bias_grad += gradient.float().sum(dim=0)
        ctx.save_for_backward(hidden_grad, weight_grad, bias_grad)
        ctx.dtypes = (weight.dtype, None if bias is None else bias.dtype)
        return total

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (scale,) = grad_outputs
        hidden_grad, weight_grad, bias_grad = ctx.saved_tensors
        return (
            hidden_grad * scale.to(hidden_grad.dtype) if hidden_grad is not None else None,
            weight_grad.mul_(scale).to(ctx.dtypes[0]) if weight_grad is not None else None,
            bias_grad.mul_(scale).to(ctx.dtypes[1]) if bias_grad is not None else None,
            *[None] * 5,
        )


def token_cross_entropy(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    labels: torch.Tensor,
    chunk: int = CHUNK,
    *,
    bias: torch.Tensor | None = None,
    rule: LogitRule = PLAIN,
) -> torch.Tensor:
    """The cross-entropy of each label, in nats, fp32 [T]; 0 where it is `IGNORED`. Arguments as below.

    For losses that weigh tokens by what they come to: the logits of a chunk are computed again in the backward pass.
    """

    def losses(states: torch.Tensor, weight: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        logits = (states @ weight.to(states.dtype).T).float()
        logits = rule.apply(logits if bias is None else logits + bias.float())
        return F.cross_entropy(logits, target, ignore_index=IGNORED, reduction="none")

    parts = []
    for start in range(0, hidden.shape[0], chunk):
        states, target = hidden[start : start + chunk], labels[start : start + chunk]
        parts.append(checkpoint(losses, states, weight, target, use_reentrant=False, preserve_rng_state=False))
    return torch.cat(parts)


def linear_cross_entropy(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    labels: torch.Tensor,
    chunk: int = CHUNK,
    *,
    bias: torch.Tensor | None = None,
    rule: LogitRule = PLAIN,
) -> torch.Tensor:
    """Sum of the cross-entropies of the model's logits against `labels`, in nats, as an fp32 scalar.

    hidden [T, H]; weight [V, H] (the output embedding, tied or not) and its bias [V]; labels int64 [T], already
    shifted, `IGNORED` where no loss counts; the logits are `rule` of `hidden @ weight.T + bias`. Matrix products run in
    the autocast dtype where autocast is on, else in hidden's dtype; the softmax and all sums in fp32. Differentiable
    once in hidden, weight and bias; call backward once.
    """
    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    with torch.autocast(device, enabled=False):
        total: torch.Tensor = _ChunkedCrossEntropy.apply(  # type: ignore[no-untyped-call]
            hidden, weight, bias, labels, dtype, chunk, rule, torch.is_grad_enabled()
        )
    return total
