"""Arms over seeds: mean and spread, what cannot be told apart, and no prize for an arm whose worst seed failed."""

from pathlib import Path
from typing import Any

import pytest

from llimba.pipeline.sweep.arms import Arm, arms
from llimba.pipeline.sweep.measure import Measure
from llimba.pipeline.sweep.seeds import not_told_apart, pooled, ranked, summary
from tests.fakes import recipe

LESS = Measure("bits_per_byte", "sc", "sft", "", looks=False)
MORE = Measure("chrf", "it-sc", "sft", "", looks=False)


def rows(found: list[Arm], *scores: float | None) -> list[dict[str, Any]]:
    return [{"name": arm.name, "score": score} for arm, score in zip(found, scores, strict=True)]


@pytest.fixture
def two_by_three(tmp_path: Path) -> list[Arm]:
    return arms(recipe(tmp_path).path, ["sft.learning_rate=1,2", "sft.seed=1,2,3", "cpt.warmup_steps=5"])


def test_arms_of_one_group_differ_in_their_seed_alone(two_by_three: list[Arm]) -> None:
    best, other = ranked(two_by_three, rows(two_by_three, 1.0, 1.1, 1.2, 2.0, 2.2, 2.4), LESS)
    assert (best.name, other.name) == ("small[sft.learning_rate=1]", "small[sft.learning_rate=2]")
    assert best.overrides == ["sft.learning_rate=1", "cpt.warmup_steps=5"]
    assert (best.mean, best.sd) == (pytest.approx(1.1), pytest.approx(0.1))
    assert pooled([best, other]) == pytest.approx(((0.1**2 + 0.2**2) / 2) ** 0.5)
    assert not_told_apart([best, other]) == []
    assert ranked(two_by_three, rows(two_by_three, 1.0, 1.1, 1.2, 2.0, 2.2, 2.4), MORE)[0].name == other.name


def test_within_two_deviations_nothing_is_told_apart(two_by_three: list[Arm]) -> None:
    found = summary(ranked(two_by_three, rows(two_by_three, 1.0, 1.1, 1.2, 1.15, 1.25, 1.35), LESS))
    assert found is not None
    assert (found["sd"], found["not_told_apart"]) == (pytest.approx(0.1), ["small[sft.learning_rate=2]"])


def test_a_failed_seed_does_not_flatter_its_arm(two_by_three: list[Arm]) -> None:
    groups = ranked(two_by_three, rows(two_by_three, 0.1, None, 0.1, 2.0, 2.2, 2.4), LESS)
    assert [group.name for group in groups] == ["small[sft.learning_rate=2]", "small[sft.learning_rate=1]"]
    assert (groups[1].scores, groups[1].mean) == ((0.1, 0.1), None)


def test_without_seeds_every_arm_is_a_group_of_its_own(tmp_path: Path) -> None:
    found = arms(recipe(tmp_path).path, ["sft.learning_rate=1,2", "sft.seed=3"])
    groups = ranked(found, rows(found, 2.0, 1.0), LESS)
    assert [group.name for group in groups] == ["small[sft.learning_rate=2]", "small[sft.learning_rate=1]"]
    assert groups[0].overrides == ["sft.learning_rate=2", "sft.seed=3"]
    assert summary(groups) is None
    assert not_told_apart(groups) == []
