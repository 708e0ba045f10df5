"""The runs of a sweep: every arm in turn, or all of them short first and then the better half in full.

Arms that differ only in a seed are ranked together, by their mean (`seeds.py`).

What arms have in common is run once, since a stage's folder is named by its fingerprint; so the same command continues
an interrupted sweep, and a later one with more values runs only what is new. An arm that fails (a loss that diverges,
say) is noted, and the others are still run. Leaves RUNS/sweeps/<fingerprint>.json, rewritten after every arm.
"""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

from llimba import processes
from llimba.errors import DiskRefused, RecipeError, StageError
from llimba.files import fingerprint, write_json
from llimba.models.base_model import base_folder
from llimba.pipeline import runner
from llimba.pipeline.sweep.arms import SCORED, Arm, Sweep
from llimba.pipeline.sweep.measure import Measure
from llimba.pipeline.sweep.report import ArmResult, Report, Round
from llimba.pipeline.sweep.seeds import OverSeeds, rank_groups
from llimba.recipe import Recipe
from llimba.reports.evaluated import EvaluatedFolder

logger = logging.getLogger(__name__)

SHORT = 3  # a short run has a third of the steps, and of the warm-up


def run_sweep(sweep: Sweep, *, halving: bool = False) -> tuple[Report, Path]:
    """Run the arms; returns the report and the file it is in.

    Raises `StageError` where all arms failed, `RecipeError` where `halving` makes no sense.
    """
    plans = {arm.name: {s.stage.name: s.fingerprint for s in sweep.plan(arm)} for arm in sweep.arms}
    by = sweep.measure.name if sweep.measure else None
    asked = {"arms": plans, "until": sweep.until, "by": by, "halving": halving}
    path = sweep.runs / "sweeps" / f"{fingerprint(asked)}.json"
    report = Report(arms=len(sweep.arms), until=sweep.until, by=by, reason=sweep.reason, halving=halving)
    if len({plan.get("corpus") for plan in plans.values()}) > 1:
        report.warning = "the arms have different corpora, so their held-out text and their scores may not compare"
        if any(override.startswith("seed=") for arm in sweep.arms for override in arm.differs):
            report.warning += " (for the spread of training alone vary cpt.seed or sft.seed)"
        logger.warning(report.warning)
    if halving:
        if sweep.measure is None:
            raise RecipeError(f"--halving needs a score, and up to --until {sweep.until} there is none.")
        stages = stages_that_differ(sweep)
        short = _run_round(sweep, f"1/{SHORT} of the steps of {' and '.join(stages)}", stages, report, path)
        sweep = sweep._replace(arms=better_half(sweep.arms, short, sweep.measure))
        short.kept = [arm.name for arm in sweep.arms]
        logger.info("to be run in full: %s", ", ".join(short.kept))
    full = _run_round(sweep, "full", [], report, path)
    if not report.finished:
        raise StageError(f"every arm failed; the first: {full.arms[0].why}")
    if sweep.measure is not None:
        found = _rank(sweep.arms, full, sweep.measure)
        if any(len(group.arms) > 1 for group in found.groups):
            report.over_seeds = found
        if (best := found.groups[0]).mean is not None:
            report.best, report.best_overrides = best.name, best.overrides
    _save(report, path)
    return report, path


def stages_that_differ(sweep: Sweep) -> list[str]:
    """The stages that train differently in the arms: only these are worth running short."""
    plans = [{s.stage.name: s for s in sweep.plan(arm)} for arm in sweep.arms]
    stages: list[str] = [
        s for s in ("cpt", "sft") if s in plans[0] and len({plan[s].fingerprint for plan in plans}) > 1
    ]
    if not stages:
        raise RecipeError("--halving: all arms share their training, so there is nothing to run short. Leave it out.")
    return stages


def shorten(recipe: Recipe, stages: Sequence[str], runs: Path) -> Recipe:
    """The recipe with a third of the steps and of the warm-up in these stages; runs what their length depends on."""
    if stages:
        base_folder(recipe.base_model)  # its tokenizer counts the steps
    for name in stages:
        steps = {step.stage.name: step for step in runner.plan(recipe, runs)}
        for need in steps[name].needs:
            runner.run(recipe, runs, until=need)
        estimate = steps[name].stage.estimate
        assert estimate is not None
        count = estimate(recipe, {stage: step.folder for stage, step in steps.items()}, None).steps
        assert count is not None  # what it reads is there
        section = getattr(recipe, name)
        less = {"max_steps": math.ceil(count / SHORT), "warmup_steps": math.ceil(section.warmup_steps / SHORT)}
        recipe = recipe.model_copy(update={name: section.model_copy(update=less)})
    return recipe


def better_half(arms: Sequence[Arm], short: Round, measure: Measure) -> list[Arm]:
    """The better half (rounded up) of the groups that have a score, best first, with all of their seeds."""
    groups = [group for group in _rank(arms, short, measure).groups if group.mean is not None]
    if not groups:
        raise StageError(f"no arm has a score; the first: {short.arms[0].why or 'nothing was measured'}")
    return [arm for group in groups[: math.ceil(len(groups) / 2)] for arm in arms if arm.group == group.name]


def _rank(arms: Sequence[Arm], part: Round, measure: Measure) -> OverSeeds:
    return rank_groups(arms, {arm.name: arm.score for arm in part.arms}, measure)


def _run_round(sweep: Sweep, title: str, short: Sequence[str], report: Report, path: Path) -> Round:
    """Run every arm, the stages `short` with a third of their steps; the report is saved after each."""
    part = Round(title=title)
    report.rounds.append(part)
    for number, arm in enumerate(sweep.arms, 1):
        logger.info("arm %d of %d (%s): %s", number, len(sweep.arms), title, arm.name)
        part.arms.append(_run_arm(sweep, arm, short))
        _save(report, path)
    return part


def _run_arm(sweep: Sweep, arm: Arm, short: Sequence[str]) -> ArmResult:
    result = ArmResult(name=arm.name, overrides=list(arm.overrides))
    try:
        recipe = shorten(arm.recipe, short, sweep.runs)
        result.max_steps = {name: getattr(recipe, name).max_steps for name in short}
        steps = runner.run(recipe, sweep.runs, sweep.until)
    except DiskRefused:
        raise
    except StageError as error:
        logger.warning("%s failed: %s", arm.name, error)
        result.why = str(error)
        return result
    result.state = "done"
    result.folders = {step.stage.name: step.folder for step in steps if step.state == "done"}
    if sweep.measure is not None:
        result.score = sweep.measure.read(result.folders)
        logger.info("%s: %s %s %s", arm.name, sweep.measure.name, sweep.measure.arrow, result.score)
    if sweep.until in SCORED:
        result.scores = EvaluatedFolder(result.folders["evaluate"]).scores()
    return result


def _save(report: Report, path: Path) -> None:
    if processes.is_main():
        write_json(path, report.model_dump(mode="json"))
