"""Step-exact packing: the same documents per optimizer step as without packing, laid whole into few rows.

A step of the published recipe is 16 documents, one after another. Here the same 16 documents, in the same shuffled
order, are packed best-fit into rows of `row_length` tokens, and the loss is divided by the step's loss tokens: same
gradient up to rounding, fewer and fuller matrix products. A row carries `cu_seqlens`, so attention never crosses from
one document into the next, and positions restart at every document.

Why not TRL's `bfd`: it packs the whole data set by length, which makes other steps of other sizes (65k tokens instead
of 12k for the published recipe), so learning rate, warm-up and step count would no longer mean the same.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import count
from typing import Any

import numpy as np
import torch

from llimba.recipe import TrainingSection
from llimba.training.examples import IGNORED, Example


@dataclass(frozen=True, slots=True)
class Row:
    """Documents side by side, as one batch of one: what a micro-batch is."""

    input_ids: torch.Tensor  # int64 [1, T]
    labels: torch.Tensor  # int64 [1, T], shifted; IGNORED does not count
    position_ids: torch.Tensor  # int64 [1, T], restarting at 0 in every document
    cu_seqlens: torch.Tensor  # int32 [documents + 1], the boundaries 0 .. T
    max_seqlen: int

    def to(self, device: torch.device) -> "Row":
        """The row on a device."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors = {name: value for name, value in values.items() if isinstance(value, torch.Tensor)}
        moved: dict[str, Any] = {name: tensor.to(device, non_blocking=True) for name, tensor in tensors.items()}
        return replace(self, **moved)


def order(num_examples: int, seed: int, epoch: int) -> list[int]:
    """The shuffled order of an epoch, fixed by seed and epoch alone: resuming needs no saved permutation."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(num_examples, generator=generator).tolist()


def epoch_steps(
    lengths: Sequence[int], settings: TrainingSection, seed: int, epoch: int, phases: Sequence[int] = ()
) -> list[list[int]]:
    """Example indices of every optimizer step of one epoch: phase after phase, each in its shuffled order.

    A step is `documents_per_step` examples, or, with `tokens_per_step`, examples until the next one would exceed that
    many tokens (one that exceeds it alone is a step of its own). The last step of a phase may be short. `phases` holds
    each example's phase, ascending; none: all of them are one.
    """
    steps: list[list[int]] = []
    start = 0
    for size in Counter(phases or [0] * len(lengths)).values():
        shuffled = [start + index for index in order(size, seed, epoch)]
        steps += _fill(shuffled, lengths, settings)
        start += size
    return steps


def _fill(shuffled: list[int], lengths: Sequence[int], settings: TrainingSection) -> list[list[int]]:
    """Cut an order into steps."""
    if settings.tokens_per_step is None:
        size = settings.documents_per_step
        return [shuffled[start : start + size] for start in range(0, len(shuffled), size)]
    steps: list[list[int]] = []
    tokens = settings.tokens_per_step  # full, so that the first example opens a step
    for index in shuffled:
        if tokens + lengths[index] > settings.tokens_per_step:
            steps.append([])
            tokens = 0
        steps[-1].append(index)
        tokens += lengths[index]
    return steps


def plan_steps(
    lengths: Sequence[int], settings: TrainingSection, seed: int, phases: Sequence[int] = ()
) -> list[list[int]]:
    """Example indices of every optimizer step of the whole run: `max_steps`, or `num_train_epochs` of them.

    A fraction of an epoch is rounded up to a whole step, as in transformers' Trainer. An epoch goes through all phases.
    """
    steps: list[list[int]] = []
    for epoch in count():
        of_epoch = epoch_steps(lengths, settings, seed, epoch, phases)
        if settings.max_steps is not None:
            wanted = settings.max_steps - len(steps)
            last = wanted <= len(of_epoch)
        else:
            epochs_left = settings.num_train_epochs - epoch
            wanted = math.ceil(min(epochs_left, 1) * len(of_epoch) - 1e-9)
            last = epochs_left <= 1
        steps += of_epoch[:wanted]
        if last:
            break
    return steps


def best_fit(lengths: Sequence[int], row_length: int) -> list[list[int]]:
    """Pack items into as few rows of `row_length` as best-fit-decreasing finds; returns item indices per row.

    An item longer than `row_length` gets a row of its own. The order within a row is the order given, so that nothing
    depends on how ties were broken.
    """
    rows: list[list[int]] = []
    free: list[int] = []
    for item in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        fitting = [(space, row) for row, space in enumerate(free) if space >= lengths[item]]
        if fitting:
            _, row = min(fitting)
            rows[row].append(item)
            free[row] -= lengths[item]
        else:
            rows.append([item])
            free.append(row_length - lengths[item])
    return [sorted(row) for row in rows]


def pack(examples: Sequence[Example], row_length: int, mode: str = "step-exact") -> list[Row]:
    """The examples of one step as rows, by the recipe's `packing`: step-exact, or off or leaky for ablations."""
    if mode == "off":
        return [to_row([example]) for example in examples]
    if mode == "leaky":
        return _concatenate_and_cut(examples, row_length)
    lengths = [len(example.input_ids) for example in examples]
    return [to_row([examples[i] for i in row]) for row in best_fit(lengths, row_length)]


def share(rows: Sequence[Row], rank: int, num_processes: int) -> list[Row]:
    """The rows of one process: every n-th, and an empty one where the others have one more, as all must step alike."""
    nothing = to_row([Example("", "", np.zeros(1, np.int32), np.full(1, IGNORED, np.int32))])
    missing = -len(rows) % num_processes
    return [*rows, *[nothing] * missing][rank::num_processes]


def to_row(examples: Sequence[Example]) -> Row:
    """Lay examples side by side."""
    lengths = [len(example.input_ids) for example in examples]
    return Row(
        input_ids=torch.from_numpy(np.concatenate([e.input_ids for e in examples]).astype(np.int64))[None],
        labels=torch.from_numpy(np.concatenate([e.labels for e in examples]).astype(np.int64))[None],
        position_ids=torch.from_numpy(np.concatenate([np.arange(n) for n in lengths]).astype(np.int64))[None],
        cu_seqlens=torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int32),
        max_seqlen=max(lengths),
    )


def _concatenate_and_cut(examples: Sequence[Example], row_length: int) -> list[Row]:
    """What most trainers do (TRL's `wrapped`, LLaMA-Factory's `pt`): one stream, cut anywhere, attention across all."""
    stream = np.concatenate([np.append(e.input_ids, e.labels[-1]) for e in examples])
    cuts = range(0, len(stream) - 1, row_length)
    pieces = [stream[start : start + row_length + 1] for start in cuts]
    return [to_row([Example("stream", "", piece[:-1], piece[1:])]) for piece in pieces]
