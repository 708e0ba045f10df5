"""A hundred and fifty runs of three stages over odd files in every run of the suite; `make fuzz` does ten thousand."""

import random

import pytest

from tests.stages import fuzz_stages
from tests.stages.fuzz_stages import conversations, fuzz, wrong


def test_nothing_but_an_error_that_names_the_place_comes_out() -> None:
    ends = fuzz(150, 7)
    assert ends.total() == 150
    assert ends["all stages"] > 75
    assert ends["sources refused"] > 5


def test_an_error_that_is_a_bug_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(fuzz_stages, "run_corpus", broken)
    with pytest.raises(UnicodeEncodeError):
        fuzz(20, 7)


def test_rows_have_one_thing_wrong() -> None:
    changed = [wrong(conversations(), random.Random(seed)) for seed in range(50)]
    assert all(sum(row not in conversations() for row in rows) <= 1 for rows in changed)
