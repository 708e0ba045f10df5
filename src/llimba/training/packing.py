"""Step-exact packing: the same documents per optimizer step as without packing, laid whole into few rows.

A step of the published recipe is 16 documents, one after another. Here the same 16 documents, in the same shuffled
order, are packed best-fit into rows of `row_length` tokens, and the loss is divided by the step's loss tokens: same
gradient up to rounding, fewer and fuller matrix products. A row carries `cu_seqlens`, so attention never crosses from
one document into the next, and positions restart at every document.

Why not TRL's `bfd`: it packs the whole data set by length, which makes other steps of other sizes (65k tokens instead
of 12k for the published recipe), so learning rate, warm-up and step count would no longer mean the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from llimba.training.examples import Example


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
        tensors = (self.input_ids, self.labels, self.position_ids, self.cu_seqlens)
        input_ids, labels, position_ids, cu_seqlens = (tensor.to(device, non_blocking=True) for tensor in tensors)
        return Row(input_ids, labels, position_ids, cu_seqlens, self.max_seqlen)


def order(num_examples: int, seed: int, epoch: int) -> list[int]:
    """The shuffled order of an epoch, fixed by seed and epoch alone: resuming needs no saved permutation."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(num_examples, generator=generator).tolist()


def steps(num_examples: int, documents_per_step: int, seed: int) -> Iterator[list[int]]:
    """Example indices of every optimizer step, epoch after epoch without end; an epoch's last step may be short."""
    epoch = 0
    while True:
        shuffled = order(num_examples, seed, epoch)
        for start in range(0, num_examples, documents_per_step):
            yield shuffled[start : start + documents_per_step]
        epoch += 1


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
