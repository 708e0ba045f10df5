"""What a sweep would do: how often each stage is run for all arms together, what is done, how long the rest takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from llimba.errors import StageError
from llimba.pipeline import runner
from llimba.pipeline.sweep.arms import Arm


def steps_of(arm: Arm, runs: Path, until: str) -> list[runner.Step]:
    """The arm's plan of `until` and what it needs; raises `RecipeError` where there is no such stage."""
    return runner.up_to(runner.plan(arm.recipe, runs), until)


def outlook(arms: Sequence[Arm], runs: Path, until: str, card: str | None) -> dict[str, Any]:
    """A row a stage (runs in all, done, hours a run where known) and a row an arm; touches nothing."""
    planned = {arm.name: steps_of(arm, runs, until) for arm in arms}
    stages: dict[str, dict[str, Any]] = {}
    for arm in arms:
        folders = {step.stage.name: step.folder for step in planned[arm.name]}
        for step in planned[arm.name]:
            row = stages.setdefault(step.stage.name, {"runs": {}, "unknown": ""})
            if step.fingerprint in row["runs"]:
                continue
            hours = None
            if step.state != "done" and step.stage.estimate is not None:
                try:
                    found = step.stage.estimate(arm.recipe, folders, card)
                    hours, pace = found["hours"], 60 * found["hours_per_million_tokens"]
                    row["unknown"] = "" if hours is not None else f"{pace:.1f} min a million tokens"
                except StageError as error:
                    row["unknown"] = str(error)
            row["runs"][step.fingerprint] = {"state": step.state, "hours": hours}
    return {
        "stages": stages,
        "arms": [
            {
                "name": arm.name,
                "overrides": list(arm.overrides),
                "done": all(step.state == "done" for step in planned[arm.name]),
                "fingerprints": {step.stage.name: step.fingerprint for step in planned[arm.name]},
            }
            for arm in arms
        ],
    }


def table(found: dict[str, Any]) -> Table:
    """`outlook` for the terminal."""
    count = len(found["arms"])
    rendered = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("stage", "runs", "done", "time of the rest", ""):
        rendered.add_column(heading, justify="left" if heading in ("stage", "") else "right", no_wrap=heading != "")
    for name, row in found["stages"].items():
        states = list(row["runs"].values())
        hours = [run["hours"] for run in states if run["hours"] is not None]
        shared = "shared by all arms" if len(states) == 1 else f"{count} arms" if len(states) == count else ""
        rendered.add_row(
            name,
            str(len(states)),
            str(sum(run["state"] == "done" for run in states)),
            duration(sum(hours)) if hours else "",
            escape(
                ", ".join(part for part in (shared, row["unknown"].splitlines()[0] if row["unknown"] else "") if part)
            ),
        )
    return rendered


def duration(hours: float) -> str:
    """Hours, minutes below one hour, seconds below one minute."""
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{60 * hours:.0f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"
