"""The weights that a run leaves may be a mean of those it went through: an exponential one, or of its last steps.

Both end where a longer decay of the learning rate would have led (arXiv 2511.18903); the exponential one also stays
nearer to the start, and more so where training goes on from it (`ema_feedback`, the formula of 2506.00288). The mean is
kept in fp32 in the host's memory, goes into every checkpoint, and takes the weights' place after the last step.

Why not `torch.optim.swa_utils.AveragedModel`: it copies the whole module in the weights' own dtype, where a mean of
bf16 weights loses most of what an update adds, and its count is not ours to save as safetensors.
"""

from typing import Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor

from llimba.errors import StageError
from llimba.recipe import TrainingSection


class Average:
    """A running mean of the trained weights; holds nothing where the recipe asks for none."""

    def __init__(self, model: nn.Module, settings: TrainingSection, num_steps: int) -> None:
        """The exponential mean begins with the weights as they are now, at the start of the run."""
        self._decay, self._feedback = settings.ema_decay, settings.ema_feedback
        self._steps, self._last = averaged_steps(settings, num_steps), num_steps
        trained = {name: p for name, p in model.named_parameters() if p.requires_grad} if self._steps else {}
        if any(isinstance(parameter, DTensor) for parameter in trained.values()):
            raise StageError(
                "an average of the weights cannot be kept while FSDP shards them: use DDP, or leave it out."
            )
        self._weights = {name: parameter.data for name, parameter in trained.items()}
        self.tensors = {name: value.to("cpu", torch.float32, copy=True) for name, value in self._weights.items()}

    @property
    def reason(self) -> str | None:
        """What the mean is of, for the manifest."""
        if not self._steps:
            return None
        if self._decay is not None:
            fed = ", training went on from it" if self._feedback else ""
            return f"exponential mean, decay {self._decay:g}, {len(self._steps)} updates from the start weights on{fed}"
        return f"mean after steps {', '.join(map(str, self._steps))}"

    def after(self, step: int) -> None:
        """Take the weights after `step` steps in, where that is due; after the last step the mean takes their place."""
        if due := step in self._steps:
            number = self._steps.index(step) + 1
            share = 1 / number if self._decay is None else 1 - self._decay
            for name, mean in self.tensors.items():
                mean.lerp_(self._weights[name].to("cpu", torch.float32), share)
        if step == self._last or (due and self._feedback):
            for name, mean in self.tensors.items():
                self._weights[name].copy_(mean)

    def restore(self, tensors: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        for name, mean in self.tensors.items():
            mean.copy_(tensors[name])


def averaged_steps(settings: TrainingSection, num_steps: int) -> list[int]:
    """After which steps the weights are taken in: every `ema_steps`, or `average_last` ones evenly over the end."""
    if settings.ema_decay is not None:
        return list(range(settings.ema_steps, num_steps + 1, settings.ema_steps))
    apart = settings.average_share * num_steps / max(1, settings.average_last)
    return sorted({max(1, num_steps - round(back * apart)) for back in range(settings.average_last)})
