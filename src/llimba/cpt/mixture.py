"""Mixing languages by token budget: "17 % replay" means 17 % of the tokens, exactly, counted and reported.

Peers mix by rows or by sampling probability, and their share depends on how long the documents happen to be.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llimba.errors import StageError
from llimba.files import stable_fraction

if TYPE_CHECKING:
    from llimba.training.examples import Example


def mix(
    examples: Sequence["Example"], shares: dict[str, float], max_tokens: int | None, target: str, seed: int
) -> list["Example"]:
    """Choose examples so that every language has its share of the input tokens; nothing is repeated.

    The budget is `max_tokens`, or as much as the target language's text allows where that is less. Documents are taken
    in an order fixed by seed and id; the last example of a language is cut so that the share is met to the token.
    Raises `StageError` for a language with too little text. Without shares, everything is kept as it is, up to
    `max_tokens`.
    """
    if not shares:
        return _take(examples, max_tokens, seed) if max_tokens is not None else list(examples)
    available = {language: sum(len(e.input_ids) for e in examples if e.language == language) for language in shares}
    budget = available[target] / shares[target]
    budget = min(budget, max_tokens) if max_tokens is not None else budget
    chosen: list[Example] = []
    for language, share in shares.items():
        wanted = round(share * budget)
        if available[language] < wanted:
            raise StageError(
                f"cpt.mixture: {share:.0%} of {budget:,.0f} tokens is {wanted:,} tokens of '{language}', but the "
                f"corpus "
                f"has {available[language]:,}. Lower the share or cpt.max_tokens, or add text in that language."
            )
        chosen += _take([e for e in examples if e.language == language], wanted, seed)
    return chosen


def _take(examples: Sequence["Example"], tokens: int, seed: int) -> list["Example"]:
    """Whole documents in hash order until `tokens` are reached; the last example is cut to meet it."""
    ranked = sorted(examples, key=lambda e: stable_fraction(str(seed), e.document))
    taken: list[Example] = []
    for example in ranked:
        if tokens <= 0:
            break
        keep = min(tokens, len(example.input_ids))
        taken.append(replace(example, input_ids=example.input_ids[:keep], labels=example.labels[:keep]))
        tokens -= keep
    return taken
