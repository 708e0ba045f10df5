"""Relatives are told apart, strangers are `other`, an Italian paragraph is found in a Sardinian page."""

import random
from pathlib import Path

import numpy as np
import pytest

from llimba.errors import StageError
from llimba.languages.identify import identifier
from llimba.languages.identify.identifier import OTHER, Identifier
from tests.fakes import SENTENCES


def lines(language: str, count: int, seed: int) -> list[str]:
    """Made-up prose: the words of the tests' ten sentences in another order, six to twelve a line."""
    chance = random.Random(f"{language}{seed}")
    words = " ".join(SENTENCES[language]).split()
    return [" ".join(chance.choices(words, k=chance.randint(6, 12))) for _ in range(count)]


@pytest.fixture(scope="module")
def trained() -> Identifier:
    return Identifier.train({code: lines(code, 300, 1) for code in ("sc", "it", "es")}, target="sc", seed=1)


def test_new_lines_are_told_apart(trained: Identifier) -> None:
    for language in ("sc", "it", "es"):
        labels = [label.language for label in trained.label_many(lines(language, 100, 2))]
        assert set(labels) <= {language, OTHER}  # never a relative
        assert labels.count(language) >= 90


def test_a_language_that_it_was_never_shown_is_other(trained: Identifier) -> None:
    labels = [label.language for label in trained.label_many(lines("en", 200, 1))]
    assert labels.count("sc") <= 2
    assert labels.count(OTHER) > 150


def test_a_shorter_text_never_needs_less(trained: Identifier) -> None:
    assert list(trained.thresholds) == sorted(trained.thresholds, reverse=True)
    assert all(identifier.LOWEST <= value <= identifier.HIGHEST for value in trained.thresholds)


def test_thresholds_keep_the_share_that_may_pass() -> None:
    scores = np.linspace(0, 1, 10_001)
    found = identifier._thresholds(scores, [10] * len(scores))
    assert np.mean(scores >= 1 - identifier.FALSE_SHARE) == pytest.approx(identifier.FALSE_SHARE, abs=1e-3)
    assert found[0] == min(1 - identifier.FALSE_SHARE, identifier.HIGHEST)
    assert found[1:] == [identifier.HIGHEST] * 5  # nothing seen of that length: careful


def test_paragraphs_keep_a_page_and_find_the_quotation(trained: Identifier) -> None:
    page = [*lines("sc", 4, 3), *lines("it", 1, 3), "1914", *lines("sc", 2, 4)]
    (labelled,) = trained.paragraphs(["\n".join(page)])
    labels = [label.language for _, label in labelled]
    assert labels == ["sc"] * 4 + ["it"] + ["sc"] * 3  # the number goes with its page


def test_saved_and_loaded_it_says_the_same(trained: Identifier, tmp_path: Path) -> None:
    trained.save(tmp_path / "identifier.safetensors")
    again = Identifier.load(tmp_path / "identifier.safetensors")
    texts = [line for code in SENTENCES for line in SENTENCES[code]]
    assert again.label_many(texts) == trained.label_many(texts)
    assert again.label_many([]) == []
    (tmp_path / "torn").write_bytes((tmp_path / "identifier.safetensors").read_bytes()[:1000])
    with pytest.raises(StageError, match="torn is no identifier"):
        Identifier.load(tmp_path / "torn")


def test_training_is_the_same_twice() -> None:
    texts = {code: lines(code, 60, 5) for code in ("sc", "it", "es")}
    first, second = (Identifier.train(texts, "sc", 3) for _ in range(2))
    assert first.thresholds == second.thresholds
    assert np.array_equal(first.scores(["Su sole"]), second.scores(["Su sole"]))


def test_too_little_to_learn_from_is_said() -> None:
    with pytest.raises(StageError, match="needs text in 'sc' and in at least two other languages"):
        Identifier.train({"sc": lines("sc", 60, 1), "it": lines("it", 60, 1)}, "sc", 1)
    with pytest.raises(StageError, match="needs 50 lines of 'es', and there are 3"):
        Identifier.train({"sc": lines("sc", 60, 1), "it": lines("it", 60, 1), "es": lines("es", 3, 1)}, "sc", 1)
