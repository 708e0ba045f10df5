"""Mixing by token budget: "17 % replay" means 17 % of the tokens, exactly, counted and reported, phase by phase.

Peers mix by rows or by sampling probability, and their share depends on how long the documents happen to be.
"""

import logging
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llimba.errors import StageError
from llimba.files import stable_fraction
from llimba.recipe import PAIRS, Phase
from llimba.records import Record

if TYPE_CHECKING:
    from llimba.training.examples import Example

logger = logging.getLogger(__name__)


def key_of(record: Record, kind: str, keys: Collection[str]) -> str:
    """The key of a mixture that a record counts under: the closest of source, origin and `kind` that is named.

    `kind` is a document's language, or `pairs`, or `chat`.
    """
    closer = (f"{kind}/{part}" for part in (record.source, record.origin))
    return next((key for key in closer if key in keys), kind)


def mix(
    examples: Sequence["Example"],
    phases: Sequence[Phase],
    max_tokens: int | None,
    target: str,
    seed: int,
    *,
    repeat: bool = False,
) -> list["Example"]:
    """Choose examples so that every key has its share of every phase's input tokens, each marked with its phase.

    Phases with a share divide `max_tokens`, or as much as the text in the target language allows where that is less;
    phases with `max_tokens` get those. Documents are taken in an order fixed by seed and id, and one phase goes on
    where the one before it stopped: the example at the border is cut so that shares are met to the token, and its rest
    opens the next phase. Nothing is used twice unless `repeat` lets a text that runs out begin again. Raises
    `StageError` for a key with too little text. Without shares, everything is kept as it is, up to `max_tokens`.
    """
    if not phases[0].mixture:
        if max_tokens is None or (max_tokens >= sum(len(e.input_ids) for e in examples) and not repeat):
            return list(examples)
        return list(_Text(examples, seed).take(max_tokens, 0))
    keys = dict.fromkeys(key for phase in phases for key in phase.mixture)
    texts = {key: _Text([e for e in examples if e.language == key], seed) for key in keys}
    wanted = _wanted(phases, {key: text.tokens for key, text in texts.items()}, max_tokens, target, repeat)
    return [
        example
        for number, shares in enumerate(wanted)
        for key, tokens in shares.items()
        for example in texts[key].take(tokens, number)
    ]


def _wanted(
    phases: Sequence[Phase], available: dict[str, int], max_tokens: int | None, target: str, repeat: bool
) -> list[dict[str, int]]:
    """Tokens of every key in every phase; raises `StageError` where they are not there."""
    parts = {key: sum((phase.share or 0) * phase.mixture.get(key, 0) for phase in phases) for key in available}
    budget = 0.0
    if phases[0].share is not None:
        in_target = [key for key in parts if key.split("/")[0] == target]
        learned = in_target or [key for key in parts if key.split("/")[0] == PAIRS]
        reach = min((available[key] / parts[key] for key in learned if parts[key]), default=0.0)
        budget = max_tokens if max_tokens is not None and (repeat or max_tokens < reach) else reach
        if max_tokens is not None and budget < max_tokens:
            logger.info("cpt: the text in '%s' allows %d tokens; %d were asked for", target, budget, max_tokens)
    exact, wanted = dict.fromkeys(available, 0.0), []
    for phase in phases:
        size = phase.max_tokens or (phase.share or 0) * budget
        before = dict(exact)
        for key, part in phase.mixture.items():
            exact[key] += part * size
        # rounded as they add up, so that all phases together ask for no token more than their shares come to
        wanted.append({key: round(exact[key]) - round(before[key]) for key in phase.mixture})
    total = budget or sum(phase.max_tokens or 0 for phase in phases)
    for key, there in available.items():
        asked = sum(shares.get(key, 0) for shares in wanted)
        if asked > there and (not repeat or there == 0):
            raise StageError(
                f"cpt.{'phases' if len(phases) > 1 else 'mixture'}: {asked / total:.0%} of {total:,.0f} tokens is "
                f"{asked:,} tokens of '{key}', but the corpus has {there:,}. Lower the share or cpt.max_tokens, add "
                + ("such text." if repeat else "such text, or set cpt.repeat: true to have it begin again.")
            )
    return wanted


class _Text:
    """The examples of one key in an order fixed by seed and id, taken from the front."""

    def __init__(self, examples: Sequence["Example"], seed: int) -> None:
        self.tokens = sum(len(example.input_ids) for example in examples)
        self._ranked = sorted(examples, key=lambda e: stable_fraction(str(seed), e.document))
        self._left = deque(self._ranked)

    def take(self, tokens: int, phase: int) -> Iterator["Example"]:
        """Whole examples until `tokens` are reached; the last is cut to meet it, and its rest is taken next."""
        while tokens > 0 and self._ranked:
            if not self._left:
                self._left.extend(self._ranked)
            example = self._left.popleft()
            keep = min(tokens, len(example.input_ids))
            if keep < len(example.input_ids):
                rest = replace(example, input_ids=example.input_ids[keep:], labels=example.labels[keep:])
                self._left.appendleft(rest)
            yield replace(example, input_ids=example.input_ids[:keep], labels=example.labels[:keep], phase=phase)
            tokens -= keep
