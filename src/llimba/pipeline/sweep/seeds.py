"""Arms that differ only in a seed, taken together: their mean, its spread, and which cannot be told from the best.

A single run per arm hides how much of a difference is chance. An arm without varied seeds is a group of one, so ranking
always goes by groups. The spread is pooled over the groups, since three seeds of one arm say little about it.
"""

import math
import statistics
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from llimba.pipeline.sweep.arms import Arm
from llimba.pipeline.sweep.measure import Measure

COUNTS = 2  # a difference counts beyond this many standard deviations


class Group(BaseModel):
    """The arms of one group, and their scores together."""

    name: str
    arms: list[str]
    overrides: list[str]  # what all of its arms share, as `llimba run --set` takes it
    scores: list[float]  # of the arms that have one
    mean: float | None  # None where an arm failed or has no score: the others alone would flatter it
    sd: float | None  # None for fewer than two scores


class OverSeeds(BaseModel):
    """Every group, best mean first."""

    sd: float | None  # over seeds, pooled over the groups; None where no group has two scores
    groups: list[Group]

    def as_good_as_best(self, group: Group) -> bool:
        """Whether its mean is within `COUNTS` standard deviations of the best one's."""
        best = self.groups[0]
        if group is best or self.sd is None or best.mean is None or group.mean is None:
            return False
        return abs(group.mean - best.mean) <= COUNTS * self.sd


def rank_groups(arms: Sequence[Arm], scores: Mapping[str, float | None], measure: Measure) -> OverSeeds:
    """The groups of `arms` by their `scores` (arm -> score), best mean first."""
    groups = []
    for name in dict.fromkeys(arm.group for arm in arms):
        mine = [arm for arm in arms if arm.group == name]
        known = [s for arm in mine if (s := scores.get(arm.name)) is not None and not math.isnan(s)]
        group = Group(
            name=name,
            arms=[arm.name for arm in mine],
            overrides=[o for o in mine[0].overrides if all(o in arm.overrides for arm in mine)],
            scores=known,
            mean=statistics.fmean(known) if len(known) == len(mine) else None,
            sd=statistics.stdev(known) if len(known) > 1 else None,
        )
        groups.append(group)
    spread = [(len(group.scores) - 1, group.sd) for group in groups if group.sd is not None]
    freedom = sum(count for count, _ in spread)
    sd = math.sqrt(sum(count * sd**2 for count, sd in spread) / freedom) if freedom else None
    return OverSeeds(sd=sd, groups=sorted(groups, key=lambda group: measure.rank(group.mean)))
