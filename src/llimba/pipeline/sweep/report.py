"""What a sweep found, as it is written to RUNS/sweeps/<fingerprint>.json: its rounds, arm by arm, and the best arm."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from llimba.pipeline.sweep.measure import Measure
from llimba.pipeline.sweep.seeds import OverSeeds
from llimba.reports.scores import Scores


class ArmResult(BaseModel):
    """One arm in one round."""

    name: str
    overrides: list[str]  # as `llimba run --set` takes them
    state: Literal["done", "failed"] = "failed"
    why: str = ""  # why it failed
    score: float | None = None
    max_steps: dict[str, int | None] = {}  # of the stages that were run short
    folders: dict[str, Path] = {}  # by stage; a folder's name is the stage's fingerprint
    scores: Scores | None = None  # everything that `evaluate` measured


class Round(BaseModel):
    """All arms once: with a third of the steps, or in full."""

    title: str
    arms: list[ArmResult] = []
    kept: list[str] = []  # the arms that are run in full after a short round

    def ranked(self, measure: Measure) -> list[ArmResult]:
        """The arms, best first."""
        return sorted(self.arms, key=lambda arm: measure.rank(arm.score))


class Report(BaseModel):
    """The whole sweep."""

    arms: int
    until: str
    by: str | None  # the measure's name
    reason: str  # why that measure
    halving: bool
    warning: str = ""
    rounds: list[Round] = []
    best: str | None = None
    best_overrides: list[str] = []
    over_seeds: OverSeeds | None = None  # None where nothing is scored, or no seed is varied

    @property
    def finished(self) -> dict[str, ArmResult]:
        """The arms that the last round finished, by name."""
        return {arm.name: arm for arm in self.rounds[-1].arms if arm.state == "done"}
