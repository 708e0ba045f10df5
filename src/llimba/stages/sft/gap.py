"""How much better the model knows what it was trained on: loss of trained and of set-aside conversations, and the gap.

Both with the same weights, at the end; the running training loss is of weights long gone.
"""

from collections.abc import Sequence

import torch

from llimba.files import stable_fraction
from llimba.reports.training_facts import Gap
from llimba.training import packing
from llimba.training.examples import Example
from llimba.training.model import TrainableModel

MOST = 200  # conversations of each kind


def set_aside(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """(to train on, set aside), by a hash of the id; the copies of an upsampled conversation go together."""

    def held(example: Example) -> bool:
        return stable_fraction(str(seed), "held out", example.document.partition("#")[0]) < share

    return [e for e in examples if not held(e)], [e for e in examples if held(e)]


def gap(opened: TrainableModel, trained: Sequence[Example], aside: Sequence[Example], seed: int) -> Gap:
    """Mean loss, in nats a supervised token, of trained and set-aside conversations with the weights as they are."""
    ranked = sorted(trained, key=lambda e: stable_fraction(str(seed), "gap", e.document))
    train = mean_loss(opened, ranked[:MOST])
    held_out = mean_loss(opened, aside[:MOST])
    return Gap(
        train=train,
        held_out=held_out,
        gap=None if train is None or held_out is None else round(held_out - train, 4),
        conversations=(len(ranked[:MOST]), len(aside[:MOST])),
    )


def mean_loss(opened: TrainableModel, examples: Sequence[Example]) -> float | None:
    """Mean loss of the examples in nats a supervised token; None for none."""
    if not examples:
        return None
    device = next(opened.model.parameters()).device
    packed = opened.packed.eval()
    total = 0.0
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=opened.autocast):
        for row in packing.pack(examples, opened.resolved.row_length.value):
            total += float(packed(row.to(device)))
    packed.train()
    return round(total / sum(example.num_loss_tokens for example in examples), 4)
