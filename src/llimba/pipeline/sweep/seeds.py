"""Arms that differ only in a seed, taken together: their mean, its spread, and which cannot be told from the best.

A single run per arm hides how much of a difference is chance. An arm without varied seeds is a group of one, so ranking
always goes by groups. The spread is pooled over the groups, since three seeds of one arm say little about it.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel

from llimba.pipeline.sweep.arms import Arm
from llimba.pipeline.sweep.measure import Measure

COUNTS = 2  # a difference counts beyond this many standard deviations


class Group(NamedTuple):
    """The arms of one group, and their scores together."""

    name: str
    arms: tuple[Arm, ...]
    scores: tuple[float, ...]  # of the arms that have one
    mean: float | None  # None where an arm failed or has no score: the others alone would flatter it
    sd: float | None  # None for fewer than two scores

    @property
    def overrides(self) -> list[str]:
        """What all of its arms share, as `llimba run --set` takes it."""
        return [o for o in self.arms[0].overrides if all(o in arm.overrides for arm in self.arms)]


class GroupScores(BaseModel):
    """A group in the report."""

    name: str
    arms: list[str]
    scores: list[float]
    mean: float | None
    sd: float | None
    as_good_as_best: bool  # its mean is within `COUNTS` standard deviations of the best one's


class OverSeeds(BaseModel):
    """Every group, best mean first."""

    sd: float | None  # over seeds, pooled over the groups
    groups: list[GroupScores]


def rank_groups(arms: Sequence[Arm], scores: Mapping[str, float | None], measure: Measure) -> list[Group]:
    """The groups of `arms` by their `scores` (arm -> score), best mean first."""
    found = []
    for name in dict.fromkeys(arm.group for arm in arms):
        mine = tuple(arm for arm in arms if arm.group == name)
        known = tuple(s for arm in mine if (s := scores.get(arm.name)) is not None and not math.isnan(s))
        mean = statistics.fmean(known) if len(known) == len(mine) else None
        found.append(Group(name, mine, known, mean, statistics.stdev(known) if len(known) > 1 else None))
    return sorted(found, key=lambda group: measure.rank(group.mean))


def pool_deviations(groups: Iterable[Group]) -> float | None:
    """The standard deviation over seeds, pooled over the groups; None where no group has two scores."""
    spread = [(len(group.scores) - 1, group.sd) for group in groups if group.sd is not None]
    freedom = sum(count for count, _ in spread)
    return math.sqrt(sum(count * sd**2 for count, sd in spread) / freedom) if freedom else None


def summarize_seeds(groups: Sequence[Group]) -> OverSeeds | None:
    """For the report; None where no seed is varied."""
    if all(len(group.arms) == 1 for group in groups):
        return None
    sd, best = pool_deviations(groups), groups[0].mean

    def close(group: Group) -> bool:
        if group is groups[0] or sd is None or best is None or group.mean is None:
            return False
        return abs(group.mean - best) <= COUNTS * sd

    return OverSeeds(
        sd=sd,
        groups=[
            GroupScores(
                name=group.name,
                arms=[arm.name for arm in group.arms],
                scores=list(group.scores),
                mean=group.mean,
                sd=group.sd,
                as_good_as_best=close(group),
            )
            for group in groups
        ],
    )
