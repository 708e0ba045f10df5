"""A share is a share of tokens, met to the token, and too little text is an error."""

import numpy as np
import pytest

from llimba.cpt.mixture import mix
from llimba.errors import StageError
from llimba.training.examples import Example


def texts(language: str, lengths: list[int]) -> list[Example]:
    return [
        Example(f"{language}{i}", language, np.arange(n, dtype=np.int32), np.arange(n, dtype=np.int32))
        for i, n in enumerate(lengths)
    ]


def tokens(examples: list[Example]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for example in examples:
        counts[example.language] = counts.get(example.language, 0) + len(example.input_ids)
    return counts


@pytest.mark.parametrize(
    ("budget", "expected"), [(100, {"sc": 83, "it": 17}), (None, {"sc": 200, "it": 41}), (1000, {"sc": 200, "it": 41})]
)
def test_shares_are_exact_and_bounded_by_the_target_text(budget: int | None, expected: dict[str, int]) -> None:
    examples = texts("sc", [70, 60, 70]) + texts("it", [30, 30, 30])
    assert tokens(mix(examples, {"sc": 0.83, "it": 0.17}, budget, "sc", 1)) == expected


def test_nothing_is_repeated_and_order_of_input_does_not_matter() -> None:
    examples = texts("sc", [10] * 20) + texts("it", [10] * 20)
    one = mix(examples, {"sc": 0.5, "it": 0.5}, 100, "sc", 3)
    two = mix(examples[::-1], {"sc": 0.5, "it": 0.5}, 100, "sc", 3)
    assert {e.document for e in one} == {e.document for e in two}
    assert len({e.document for e in one}) == len(one)


def test_too_little_replay_is_an_error_with_numbers() -> None:
    with pytest.raises(StageError, match="50% of 200 tokens is 100 tokens of 'it', but the corpus has 30"):
        mix(texts("sc", [100]) + texts("it", [30]), {"sc": 0.5, "it": 0.5}, None, "sc", 1)


def test_without_shares_everything_stays() -> None:
    examples = texts("sc", [10, 20]) + texts("it", [5])
    assert mix(examples, {}, None, "sc", 1) == examples
    assert tokens(mix(examples, {}, 12, "sc", 1)) and sum(tokens(mix(examples, {}, 12, "sc", 1)).values()) == 12
