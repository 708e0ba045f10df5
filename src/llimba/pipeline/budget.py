"""What a run costs before it is started, for `llimba plan`: what each stage that trains needs, and all their hours."""

from pathlib import Path

from llimba.manifest import read_manifest
from llimba.pipeline.runner import plan
from llimba.pipeline.step import Step
from llimba.recipe import Recipe
from llimba.reports.plan_table import Estimate, Hours


def estimates(recipe: Recipe, runs: Path, card: str | None) -> dict[str, Estimate]:
    """What each stage that trains will need on `card` (None: this machine's), by stage name; touches nothing."""
    steps = plan(recipe, runs)
    folders = {step.stage.name: step.folder for step in steps}
    return {step.stage.name: step.stage.estimate(recipe, folders, card) for step in steps if step.stage.estimate}


def hours(steps: list[Step], found: dict[str, Estimate]) -> Hours:
    """How long the stages take together: training still to run by its estimates, the rest as it was measured."""
    done = {step.stage.name: read_manifest(step.folder) for step in steps if step.state == "done"}
    to_run = [step.stage for step in steps if step.state != "done"]
    trains = [stage.name for stage in to_run if stage.estimate is not None]
    known = {name: spent for name in trains if name in found and (spent := found[name].hours) is not None}
    return Hours(
        to_train=known,
        unknown=[name for name in trains if name not in known],
        measured={name: round(manifest.seconds / 3600, 4) for name, manifest in done.items() if manifest},
        left_out=[stage.name for stage in to_run if stage.estimate is None],
    )
