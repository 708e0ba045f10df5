"""What a step learns from and by which loss: language modelling, DPO or ORPO. The loop knows everything else.

An objective has units, which steps are made of: a document or a conversation for language modelling, two answers to
one prompt for the others. It lays the units of a step into packed rows and says what part of the step's loss a row is.

Why not TRL for the preferences: its trainer pads, keeps checkpoints that a kill can tear, and computes the reference in
another precision than the policy. Its losses are these, to rounding (`tests/training/test_objectives.py`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from llimba import progress
from llimba.recipe import TrainingSection
from llimba.training import packing
from llimba.training.examples import IGNORED, Example
from llimba.training.packing import Row, to_row

PAIRS_A_PASS = 64  # of the reference, laid into rows together


class Objective(ABC):
    """What the loop needs to know of what it trains on."""

    contents: list[list[str | int]]  # document ids and lengths of every unit: two runs over the same have the same
    lengths: list[int]  # input tokens of every unit
    phases: list[int]  # of every unit, ascending: a step draws from one
    loss_tokens: list[int]  # of every unit
    longest: int  # tokens of the longest document
    figures: tuple[str, ...] = ()  # what else is said of a step

    def prepare(self, model: nn.Module, row_length: int, device: torch.device) -> None:  # noqa: B027  most need nothing
        """Compute what is needed of the model before it is trained, in evaluation mode and without gradients."""

    @abstractmethod
    def rows(self, step: Sequence[int], row_length: int) -> list[Row]:
        """The units of a step as rows."""

    @abstractmethod
    def loss(self, model: nn.Module, row: Row, step: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """A row's part of the loss of the step, a scalar to differentiate, and of its `figures`, both fp32."""


class LanguageModelling(Objective):
    """Every next token of a document; of a conversation those that its labels count. Mean over a step's loss tokens."""

    def __init__(self, examples: Sequence[Example], settings: TrainingSection) -> None:
        self._examples, self._packing = examples, settings.packing
        self.contents = [[example.document, len(example.input_ids)] for example in examples]
        self.lengths = [len(example.input_ids) for example in examples]
        self.phases = [example.phase for example in examples]
        self.loss_tokens = [example.num_loss_tokens for example in examples]
        self.longest = max(self.lengths)

    def rows(self, step: Sequence[int], row_length: int) -> list[Row]:
        """Packed as the recipe says."""
        return packing.pack([self._examples[unit] for unit in step], row_length, self._packing)

    def loss(self, model: nn.Module, row: Row, step: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """The sum of the row's losses over the step's loss tokens."""
        return model(row) * (1 / sum(self.loss_tokens[unit] for unit in step)), torch.zeros(0)


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """Two answers to one prompt; only the answer's labels count."""

    chosen: Example
    rejected: Example


@dataclass(frozen=True, slots=True)
class PairRow(Row):
    """Chosen and rejected answers in turn, each with its prompt before it."""

    answers: torch.Tensor  # bool [T]: the label belongs to the answer
    reference: torch.Tensor  # fp32 [documents]: log-probability of each answer before training; 0 for ORPO


class Preference(Objective):
    """What DPO and ORPO share: pairs in rows, log-probabilities of answers."""

    figures = ("rewards/accuracies", "rewards/margins")  # TRL's names

    def __init__(self, pairs: Sequence[AnswerPair], beta: float) -> None:
        self._pairs, self._beta = pairs, beta
        both = [(pair.chosen, pair.rejected) for pair in pairs]
        self.contents = [[c.document, len(c.input_ids), len(r.input_ids)] for c, r in both]
        self.lengths = [len(c.input_ids) + len(r.input_ids) for c, r in both]
        self.phases = [0] * len(pairs)
        self.loss_tokens = [c.num_loss_tokens + r.num_loss_tokens for c, r in both]
        self.longest = max(len(example.input_ids) for both_answers in both for example in both_answers)
        self._reference = torch.zeros(len(pairs), 2)

    def rows(self, step: Sequence[int], row_length: int) -> list[Row]:
        """Whole pairs, best-fit; one that is longer than a row gets one of its own."""
        return [row for _, row in self._packed(step, row_length)]

    def _packed(self, step: Sequence[int], row_length: int) -> list[tuple[list[int], Row]]:
        """Rows with the units in them."""
        fitted = packing.best_fit([self.lengths[unit] for unit in step], row_length)
        return [(units, self._row(units)) for units in ([step[place] for place in row] for row in fitted)]

    def _row(self, units: Sequence[int]) -> PairRow:
        examples = [e for unit in units for e in (self._pairs[unit].chosen, self._pairs[unit].rejected)]
        row = to_row([self._read(example, number % 2 == 0) for number, example in enumerate(examples)])
        counted = torch.from_numpy(np.concatenate([example.labels for example in examples]) != IGNORED)
        parts = (row.input_ids, row.labels, row.position_ids, row.cu_seqlens, row.max_seqlen)
        return PairRow(*parts, counted, self._reference[list(units)].flatten())

    def _read(self, example: Example, chosen: bool) -> Example:
        """The labels whose log-probabilities are computed."""
        return example

    def _sums(self, values: torch.Tensor, row: Row) -> torch.Tensor:
        """Sums [documents] of values [T]; not by `index_add`, which adds in no fixed order on a GPU."""
        return torch.stack([values[start:end].sum() for start, end in pairwise(row.cu_seqlens.tolist())])

    def _rewarded(self, rewards: torch.Tensor, step: Sequence[int]) -> torch.Tensor:
        """A row's part of the step's `figures`."""
        chosen, rejected = rewards.detach()[0::2], rewards.detach()[1::2]
        return torch.stack([(chosen > rejected).float().sum(), (chosen - rejected).sum()]) / len(step)


class DirectPreference(Preference):
    """DPO (arXiv 2305.18290): the chosen answer gains on the rejected one, measured from the model before training."""

    def prepare(self, model: nn.Module, row_length: int, device: torch.device) -> None:
        """Log-probabilities of all answers under the reference, which is the model as it is now."""
        with progress.bar("reference", len(self._pairs), "pairs") as bar:
            for start in range(0, len(self._pairs), PAIRS_A_PASS):
                step = range(start, min(start + PAIRS_A_PASS, len(self._pairs)))
                for units, row in self._packed(step, row_length):
                    here = row.to(device)
                    assert isinstance(here, PairRow)
                    sums = self._sums(model(here, by_token=True) * here.answers, here)
                    self._reference[units] = -sums.cpu().reshape(-1, 2)
                    bar.advance(len(units))

    def loss(self, model: nn.Module, row: Row, step: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """-log sigmoid of the difference of rewards, mean over the step's pairs."""
        losses = model(row, by_token=True)
        if not isinstance(row, PairRow):  # an empty row, of a process that has one fewer than the others
            return losses.sum(), losses.new_zeros(2)
        rewards = self._beta * (-self._sums(losses * row.answers, row) - row.reference)
        loss = -F.logsigmoid(rewards[0::2] - rewards[1::2]).sum() / len(step)
        return loss, self._rewarded(rewards, step)


class OddsRatio(Preference):
    """ORPO (arXiv 2403.07691): language modelling of the chosen text, and its odds against the rejected answer's.

    Needs no reference. As in TRL, the language modelling counts the prompt too, and log-probabilities are means.
    """

    def __init__(self, pairs: Sequence[AnswerPair], beta: float) -> None:
        super().__init__(pairs, beta)
        self._read_tokens = [self._read(pair.chosen, True).num_loss_tokens for pair in pairs]

    def _read(self, example: Example, chosen: bool) -> Example:
        if not chosen:
            return example
        labels = np.append(example.input_ids[1:], example.labels[-1:])
        return Example(example.document, example.language, example.input_ids, labels)

    def loss(self, model: nn.Module, row: Row, step: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean loss of the step's chosen tokens, less beta times the mean log sigmoid of the log odds ratio."""
        losses = model(row, by_token=True)
        if not isinstance(row, PairRow):
            return losses.sum(), losses.new_zeros(2)
        means = -self._sums(losses * row.answers, row) / self._sums(row.answers, row)
        chosen, rejected = means[0::2], means[1::2]
        odds = (chosen - rejected) - (_log1mexp(chosen) - _log1mexp(rejected))
        read = self._sums(losses, row)[0::2].sum() / sum(self._read_tokens[unit] for unit in step)
        loss = read - self._beta * F.logsigmoid(odds).sum() / len(step)
        return loss, self._rewarded(self._beta * means, step)


# by the recipe's `method`
PREFERENCES: dict[str, type[DirectPreference] | type[OddsRatio]] = {"dpo": DirectPreference, "orpo": OddsRatio}


def _log1mexp(x: torch.Tensor) -> torch.Tensor:
    """log(1 - exp(x)) for x < 0, without cancellation on either side of -log 2."""
    return torch.where(x < -0.6931471805599453, torch.log1p(-torch.exp(x)), torch.log(-torch.expm1(x)))
