"""What a sweep would do: how often each stage is run for all arms together, what is done, how long the rest takes."""

from dataclasses import dataclass, field
from typing import NamedTuple

from llimba.errors import StageError
from llimba.pipeline.sweep.arms import Sweep
from llimba.reports.plan_table import time_text


@dataclass(slots=True)
class PlannedStage:
    """The runs of one stage over all arms; arms with the same fingerprint share one."""

    runs: set[str] = field(default_factory=set)  # fingerprints
    done: int = 0
    hours: float | None = None  # of the others; None where the stage does not train, or no length is known yet
    note: str = ""  # why the time is not known, or how long a million tokens take


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
            stage.runs.add(step.fingerprint)
            if step.state == "done":
                stage.done += 1
            elif step.stage.estimate is not None:
                try:
                    estimate = step.stage.estimate(arm.recipe, folders, card)
                except StageError as error:
                    stage.note = str(error).splitlines()[0]
                    continue
                if estimate.hours is None:
                    stage.note = time_text(estimate)
                else:
                    stage.hours, stage.note = (stage.hours or 0) + estimate.hours, ""
    return found
