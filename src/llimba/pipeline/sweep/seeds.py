"""Arms that differ in nothing but a seed, taken together: their mean, its spread, and what cannot be told apart.

A single run per arm hides how much of a difference is chance. An arm without varied seeds is a group of one, so ranking
always goes by groups. The spread is pooled over the groups, since three seeds of one arm say little about it.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from llimba.pipeline.sweep.arms import Arm
from llimba.pipeline.sweep.measure import Measure

COUNTS = 2  # a difference counts beyond so many standard deviations


class Group(NamedTuple):
    """The arms of one group, and what their scores come to."""

    name: str
    arms: tuple[Arm, ...]
    scores: tuple[float, ...]  # of the arms that have one
    mean: float | None  # None where an arm failed or has no score: the others alone would flatter it
    sd: float | None  # None for fewer than two scores

    @property
    def overrides(self) -> list[str]:
        """What all of its arms share, as `llimba run --set` takes it."""
        return [o for o in self.arms[0].overrides if all(o in arm.overrides for arm in self.arms)]


def ranked(arms: Sequence[Arm], rows: Iterable[Mapping[str, Any]], measure: Measure) -> list[Group]:
    """The groups of `arms` by the scores of a round's `rows`, best mean first."""
    scores = {row["name"]: row["score"] for row in rows}
    found = []
    for name in dict.fromkeys(arm.group for arm in arms):
        mine = tuple(arm for arm in arms if arm.group == name)
        known = tuple(s for arm in mine if (s := scores.get(arm.name)) is not None and not math.isnan(s))
        mean = statistics.fmean(known) if len(known) == len(mine) else None
        found.append(Group(name, mine, known, mean, statistics.stdev(known) if len(known) > 1 else None))
    return sorted(found, key=lambda group: measure.rank(group.mean))


def pooled(groups: Iterable[Group]) -> float | None:
    """The standard deviation over seeds, pooled over the groups; None where no group has two scores."""
    spread = [(len(group.scores) - 1, group.sd) for group in groups if group.sd is not None]
    freedom = sum(count for count, _ in spread)
    return math.sqrt(sum(count * sd**2 for count, sd in spread) / freedom) if freedom else None


def not_told_apart(groups: Sequence[Group]) -> list[str]:
    """The groups whose mean is no further from the first one's than `COUNTS` standard deviations over seeds."""
    sd, best = pooled(groups), groups[0].mean
    if sd is None or best is None:
        return []
    return [g.name for g in groups[1:] if g.mean is not None and abs(g.mean - best) <= COUNTS * sd]


def summary(groups: Sequence[Group]) -> dict[str, Any] | None:
    """For the report; None where no seed is varied."""
    if all(len(group.arms) == 1 for group in groups):
        return None
    return {
        "sd": pooled(groups),
        "counts": COUNTS,
        "not_told_apart": not_told_apart(groups),
        "groups": [
            {"name": g.name, "arms": [a.name for a in g.arms], "scores": list(g.scores), "mean": g.mean, "sd": g.sd}
            for g in groups
        ],
    }
