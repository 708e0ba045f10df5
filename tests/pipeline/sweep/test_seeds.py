"""Arms over seeds: mean and spread, which are as good as the best, and no prize for an arm whose worst seed failed."""

from pathlib import Path

import pytest

from llimba.pipeline.sweep.arms import Arm, make_arms
from llimba.pipeline.sweep.measure import Measure
from llimba.pipeline.sweep.seeds import rank_groups
from tests.fakes import recipe

LESS = Measure("bits_per_byte", "sc", "sft", "", by_training=False)
MORE = Measure("chrf", "it-sc", "sft", "", by_training=False)


def given(found: list[Arm], *scores: float | None) -> dict[str, float | None]:
    return {arm.name: score for arm, score in zip(found, scores, strict=True)}


@pytest.fixture
def two_by_three(tmp_path: Path) -> list[Arm]:
    return make_arms(recipe(tmp_path).path, ["sft.learning_rate=1,2", "sft.seed=1,2,3", "cpt.warmup_steps=5"])


def test_arms_of_one_group_differ_in_their_seed_alone(two_by_three: list[Arm]) -> None:
    scores = given(two_by_three, 1.0, 1.1, 1.2, 2.0, 2.2, 2.4)
    found = rank_groups(two_by_three, scores, LESS)
    best, other = found.groups
    assert (best.name, other.name) == ("small[sft.learning_rate=1]", "small[sft.learning_rate=2]")
    assert best.overrides == ["sft.learning_rate=1", "cpt.warmup_steps=5"]
    assert (best.mean, best.sd) == (pytest.approx(1.1), pytest.approx(0.1))
    assert found.sd == pytest.approx(((0.1**2 + 0.2**2) / 2) ** 0.5)
    assert [found.as_good_as_best(group) for group in found.groups] == [False, False]
    assert rank_groups(two_by_three, scores, MORE).groups[0].name == other.name


def test_within_two_deviations_an_arm_is_as_good_as_the_best(two_by_three: list[Arm]) -> None:
    found = rank_groups(two_by_three, given(two_by_three, 1.0, 1.1, 1.2, 1.15, 1.25, 1.35), LESS)
    assert found.sd == pytest.approx(0.1)
    assert [(group.name, found.as_good_as_best(group)) for group in found.groups] == [
        ("small[sft.learning_rate=1]", False),
        ("small[sft.learning_rate=2]", True),
    ]


def test_a_failed_seed_does_not_flatter_its_arm(two_by_three: list[Arm]) -> None:
    groups = rank_groups(two_by_three, given(two_by_three, 0.1, None, 0.1, 2.0, 2.2, 2.4), LESS).groups
    assert [group.name for group in groups] == ["small[sft.learning_rate=2]", "small[sft.learning_rate=1]"]
    assert (groups[1].scores, groups[1].mean) == ([0.1, 0.1], None)


def test_without_seeds_every_arm_is_a_group_of_its_own(tmp_path: Path) -> None:
    arms = make_arms(recipe(tmp_path).path, ["sft.learning_rate=1,2", "sft.seed=3"])
    found = rank_groups(arms, given(arms, 2.0, 1.0), LESS)
    assert [group.name for group in found.groups] == ["small[sft.learning_rate=2]", "small[sft.learning_rate=1]"]
    assert found.groups[0].overrides == ["sft.learning_rate=2", "sft.seed=3"]
    assert found.sd is None
    assert not found.as_good_as_best(found.groups[1])


def test_a_group_with_more_seeds_weighs_more_in_the_spread(two_by_three: list[Arm]) -> None:
    found = rank_groups(two_by_three, given(two_by_three, 1.0, 1.1, 1.2, 2.0, 2.6, None), LESS)
    assert found.sd == pytest.approx(((2 * 0.1**2 + 0.18) / 3) ** 0.5)
