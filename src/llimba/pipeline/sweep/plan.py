"""What a sweep would do: how often each stage is run for all arms together, what is done, how long the rest takes."""

from dataclasses import dataclass, field
from typing import NamedTuple

from llimba.errors import StageError
from llimba.pipeline.sweep.request import Sweep


class PlannedRun(NamedTuple):
    """One run of a stage, shared by every arm with the same fingerprint."""

    done: bool
    hours: float | None  # None where the stage does not train, is done, or its length is not known yet


@dataclass(slots=True)
class PlannedStage:
    """The runs of one stage over all arms, by fingerprint."""

    runs: dict[str, PlannedRun] = field(default_factory=dict)
    note: str = ""  # why the time is not known, or how long a million tokens take

    @property
    def done(self) -> int:
        """How many of the runs are done."""
        return sum(run.done for run in self.runs.values())

    @property
    def hours(self) -> float | None:
        """Hours of the runs that are not done; None where none is known."""
        known = [run.hours for run in self.runs.values() if run.hours is not None]
        return sum(known) if known else None


class SweepPlan(NamedTuple):
    """The stages in the order they run, and whether each arm is done."""

    stages: dict[str, PlannedStage]
    arms: dict[str, bool]


def plan_sweep(sweep: Sweep, card: str | None) -> SweepPlan:
    """What is done and what the rest takes on `card` (None: this machine); touches nothing."""
    found = SweepPlan({}, {})
    for arm in sweep.arms:
        steps = sweep.plan(arm)
        folders = {step.stage.name: step.folder for step in steps}
        found.arms[arm.name] = all(step.state == "done" for step in steps)
        for step in steps:
            stage = found.stages.setdefault(step.stage.name, PlannedStage())
            if step.fingerprint in stage.runs:
                continue
            hours = None
            if step.state != "done" and step.stage.estimate is not None:
                try:
                    estimate = step.stage.estimate(arm.recipe, folders, card)
                    hours, pace = estimate.hours, 60 * estimate.hours_per_million_tokens
                    stage.note = "" if hours is not None else f"{pace:.1f} min a million tokens"
                except StageError as error:
                    stage.note = str(error).splitlines()[0]
            stage.runs[step.fingerprint] = PlannedRun(step.state == "done", hours)
    return found
