"""How likely a model finds text, by the forward that trains it: packed rows, proved against the model's own forward."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from llimba.models.loading import LoadedModel
from llimba.recipe.resolved import ResolvedSettings
from llimba.training.examples import Example
from llimba.training.forward_check import settle
from llimba.training.model import PackedModel
from llimba.training.packing import best_fit, to_row

if TYPE_CHECKING:
    from llimba import progress


class Scorer:
    """A loaded model, ready to score examples of at most `longest` tokens.

    `forward` says how rows are computed. Raises `StageError` where the model cannot be trained (`forward_check`).
    """

    def __init__(self, loaded: LoadedModel, resolved: ResolvedSettings, longest: int) -> None:
        self._packed, self._device = PackedModel(loaded.model), loaded.model.device
        self._row_length = resolved.row_length.value
        self._mixed = resolved.precision.value == "mixed"
        with self._autocast():
            self.forward = settle(self._packed, resolved.attention.value, longest, self._device)
        self._packed.eval()

    @torch.no_grad()
    def token_nats(self, examples: Sequence[Example], bar: "progress.Bar | None" = None) -> list[torch.Tensor]:
        """The negative log-likelihood of every label, in nats: fp32 [n] on the CPU for each example of n tokens."""
        lengths = [len(example.input_ids) for example in examples]
        found: dict[int, torch.Tensor] = {}
        for places in best_fit(lengths, self._row_length):
            row = to_row([examples[place] for place in places]).to(self._device)
            with self._autocast():
                nats = self._packed(row, by_token=True).float().cpu()
            found |= dict(zip(places, nats.split([lengths[place] for place in places]), strict=True))
            if bar is not None:
                bar.advance(len(nats))
        return [found[place] for place in range(len(examples))]

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._mixed)
