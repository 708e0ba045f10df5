"""The runs of a sweep: every arm in turn, or all of them short first and the better half whole.

Arms that differ in a seed alone are ranked together, by their mean (`seeds.py`).

What arms have in common is run once, since a stage's folder is named by its fingerprint; so a sweep that was stopped is
gone on with by the same command, and a later one with more values runs only what is new. An arm that fails (a loss
that diverges, say) is noted, and the others go on. Leaves RUNS/sweeps/<fingerprint>.json, written anew after every arm.
"""

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llimba import processes
from llimba.errors import DiskRefused, RecipeError, StageError
from llimba.files import fingerprint, read_json, write_json
from llimba.models.base_model import base_folder
from llimba.pipeline import runner
from llimba.pipeline.sweep.arms import Arm
from llimba.pipeline.sweep.measure import Measure
from llimba.pipeline.sweep.outlook import steps_of
from llimba.pipeline.sweep.seeds import ranked, summary
from llimba.recipe import Recipe

logger = logging.getLogger(__name__)

SHORT = 3  # a short run has a third of the steps, and of the warm-up
WHOLE = "whole"
Report = dict[str, Any]


def run_sweep(
    arms: Sequence[Arm], measure: Measure | None, runs: Path, until: str, *, halving: bool = False
) -> tuple[Report, Path]:
    """Run the arms up to `until`; returns the report and the file it lies in. Raises `StageError` where all failed."""
    plans = {arm.name: {s.stage.name: s.fingerprint for s in steps_of(arm, runs, until)} for arm in arms}
    asked = {"arms": plans, "until": until, "by": measure.name if measure else None, "halving": halving}
    path = runs / "sweeps" / f"{fingerprint(asked)}.json"
    reason = measure.reason if measure else "nothing is scored up to here"
    report: Report = {
        **asked,
        "arms": len(arms),
        "reason": reason,
        "warning": "",
        "rounds": [],
        "best": None,
        "best_overrides": [],
        "over_seeds": None,
    }
    if len({plan.get("corpus") for plan in plans.values()}) > 1:
        report["warning"] = (
            "the arms have different corpora, so what is held out may differ: their scores may not compare"
        )
        if any(override.startswith("seed=") for arm in arms for override in arm.differs):
            report["warning"] += " (for the spread of training alone vary cpt.seed or sft.seed)"
        logger.warning(report["warning"])
    if halving:
        if measure is None:
            raise RecipeError(f"--halving needs a score, and up to --until {until} there is none.")
        trained = trained_differently(arms, runs, until)
        rows = _round(
            f"1/{SHORT} of the steps of {' and '.join(trained)}", arms, trained, measure, runs, until, report, path
        )
        arms = better_half(arms, rows, measure)
        report["rounds"][-1]["goes_on"] = [arm.name for arm in arms]
        logger.info("goes on: %s", ", ".join(arm.name for arm in arms))
    rows = _round(WHOLE, arms, [], measure, runs, until, report, path)
    done = [row for row in rows if row["state"] == "done"]
    if not done:
        raise StageError(f"every arm failed; the first: {rows[0]['why']}")
    if measure is not None:
        groups = ranked(arms, rows, measure)
        report["over_seeds"] = summary(groups)
        if groups[0].mean is not None:
            report |= {"best": groups[0].name, "best_overrides": groups[0].overrides}
    _save(report, path)
    return report, path


def trained_differently(arms: Sequence[Arm], runs: Path, until: str) -> list[str]:
    """The stages that train and are not one for all arms: only these are worth running short."""
    plans = [{s.stage.name: s for s in steps_of(arm, runs, until)} for arm in arms]
    stages: list[str] = [
        s for s in ("cpt", "sft") if s in plans[0] and len({plan[s].fingerprint for plan in plans}) > 1
    ]
    if not stages:
        raise RecipeError("--halving: all arms share their training, so there is nothing to run short. Leave it out.")
    return stages


def shortened(recipe: Recipe, stages: Sequence[str], runs: Path) -> Recipe:
    """The recipe with a third of the steps and of the warm-up in these stages; runs what their length depends on."""
    if stages:
        base_folder(recipe.base_model)  # its tokenizer counts the steps
    for name in stages:
        steps = runner.plan(recipe, runs)
        step = next(step for step in steps if step.stage.name == name)
        for need in step.needs:
            runner.run(recipe, runs, until=need)
        assert step.stage.estimate is not None
        count = step.stage.estimate(recipe, {s.stage.name: s.folder for s in steps}, None)["steps"]
        section = getattr(recipe, name)
        less = {"max_steps": math.ceil(count / SHORT), "warmup_steps": math.ceil(section.warmup_steps / SHORT)}
        recipe = recipe.model_copy(update={name: section.model_copy(update=less)})
    return recipe


def better_half(arms: Sequence[Arm], rows: Sequence[dict[str, Any]], measure: Measure) -> list[Arm]:
    """The better half (rounded up) of the arms that have a score, best first; all seeds of one go on, or none."""
    groups = [group for group in ranked(arms, rows, measure) if group.mean is not None]
    if not groups:
        raise StageError(f"no arm has a score; the first: {rows[0]['why'] or 'nothing was measured'}")
    return [arm for group in groups[: math.ceil(len(groups) / 2)] for arm in group.arms]


def _round(
    title: str,
    arms: Sequence[Arm],
    short: Sequence[str],
    measure: Measure | None,
    runs: Path,
    until: str,
    report: Report,
    path: Path,
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    report["rounds"].append({"round": title, "arms": rows})
    for number, arm in enumerate(arms, 1):
        logger.info("arm %d of %d (%s): %s", number, len(arms), title, arm.name)
        rows.append(_arm(arm, short, measure, runs, until))
        _save(report, path)
    return rows


def _arm(arm: Arm, short: Sequence[str], measure: Measure | None, runs: Path, until: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": arm.name,
        "overrides": list(arm.overrides),
        "state": "failed",
        "why": "",
        "score": None,
    }
    try:
        recipe = shortened(arm.recipe, short, runs)
        row["max_steps"] = {name: getattr(recipe, name).max_steps for name in short}
        steps = runner.run(recipe, runs, until)
    except DiskRefused:
        raise
    except StageError as error:
        logger.warning("%s failed: %s", arm.name, error)
        return row | {"why": str(error)}
    folders = {step.stage.name: step.folder for step in steps if step.state == "done"}
    row |= {"state": "done", "fingerprints": {name: folder.name for name, folder in folders.items()}}
    row |= {"folders": {name: str(folder) for name, folder in folders.items()}}
    if measure is not None:
        row["score"] = measure.read(folders)
        logger.info("%s: %s %s %s", arm.name, measure.name, measure.arrow, row["score"])
    if until in ("evaluate", "publish"):
        row["scores"] = read_json(folders["evaluate"] / "scores.json")
    return row


def _save(report: Report, path: Path) -> None:
    if processes.is_main():
        write_json(path, report)
