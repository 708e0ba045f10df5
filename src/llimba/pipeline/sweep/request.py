"""What a sweep was asked for: its arms, what they are ranked by, and how far each of them runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from llimba.pipeline import runner
from llimba.pipeline.sweep.arms import Arm, make_arms
from llimba.pipeline.sweep.measure import Measure, choose_measure

SCORED = ("evaluate", "publish")  # stages up to which models are translated with and scored


class Sweep(NamedTuple):
    """The arms, and what is to be done with each of them."""

    arms: Sequence[Arm]
    measure: Measure | None  # None where nothing is scored up to `until`
    runs: Path
    until: str

    @property
    def reason(self) -> str:
        """Why the arms are ranked as they are."""
        return self.measure.reason if self.measure else "nothing is scored up to here"

    def plan(self, arm: Arm) -> list[runner.Step]:
        """The arm's plan of `until` and what it needs."""
        return runner.up_to(runner.plan(arm.recipe, self.runs), self.until)


def prepare_sweep(recipe: Path, options: Sequence[str], by: str | None, runs: Path, until: str) -> Sweep:
    """Check everything before any work; raises `RecipeError` for an option, a stage or a score that cannot be."""
    sweep = Sweep(make_arms(recipe, options), None, runs, until)
    first = sweep.arms[0]
    trains = {"cpt", "sft"} & {step.stage.name for step in sweep.plan(first)}
    return sweep._replace(measure=choose_measure(by, first.recipe, until)) if trains else sweep
