"""`llimba sweep`: one recipe with several values for some of its keys, side by side."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from llimba import processes
from llimba.cli.app import RecipePath, Runs, app, say, stdout
from llimba.cli.compare import print_table
from llimba.pipeline.sweep.arms import SCORED, prepare_sweep
from llimba.pipeline.sweep.measure import Measure
from llimba.pipeline.sweep.plan import SweepPlan, plan_sweep
from llimba.pipeline.sweep.report import Report
from llimba.pipeline.sweep.rounds import run_sweep
from llimba.pipeline.sweep.seeds import COUNTS, OverSeeds
from llimba.reports.matched import three_digits
from llimba.reports.plan_table import duration

SET = typer.Option(
    "--set",
    metavar="KEY=V1,V2",
    help="Values of a key, e.g. --set sft.learning_rate=1e-4,3e-4. Repeatable: all combine.",
)


@app.command(
    epilog="Example: llimba sweep demo.yaml --set sft.method=full,lora --set sft.learning_rate=2e-4,2e-3 --halving"
)
def sweep(
    recipe: RecipePath,
    set_: Annotated[list[str] | None, SET] = None,
    halving: Annotated[
        bool, typer.Option("--halving", help="All arms with a third of the steps first; then the better half in full.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(help="Ranked by, e.g. chrf:en-sc; default: bits_per_byte of the language to be learned."),
    ] = None,
    until: Annotated[str, typer.Option(help="The stage to run of every arm, after what it needs.")] = "evaluate",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List arms, what they share, time; run nothing.")] = False,
    card: Annotated[str | None, typer.Option(help="With --dry-run: a GPU to plan for; default: what is here.")] = None,
    runs: Runs = Path("runs"),
) -> None:
    """Run a recipe with every combination of some values. What arms share is run once; the same command resumes."""
    asked = prepare_sweep(recipe, set_ or [], by, runs, until)
    measure = asked.measure
    if processes.is_main():
        ranked = f"ranked by {measure.name} {measure.arrow} ({asked.reason})" if measure else asked.reason
        say(f"{len(asked.arms)} arms of {recipe}, {ranked}")
    if dry_run:
        _print_plan(plan_sweep(asked, card))
        return
    report, path = run_sweep(asked, halving=halving)
    if not processes.is_main():
        return
    if until in SCORED:
        done = report.finished
        columns = {arm.heading: (arm.recipe, done[arm.name].folders) for arm in asked.arms if arm.name in done}
        print_table(
            [(recipe.model_copy(update={"name": name}), of["evaluate"]) for name, (recipe, of) in columns.items()],
            {name: of for name, (_, of) in columns.items()},
        )
    if measure is not None:
        stdout.print(_ranking(report, measure))
        if report.over_seeds:
            stdout.print(_over_seeds(report.over_seeds, measure))
    if report.best:
        options = " ".join(f"--set {shlex.quote(override)}" for override in report.best_overrides)
        finish = f"best: {report.best}\nto finish it: llimba run {recipe} {options}".rstrip()
        say(finish)
    say(f"all arms with fingerprints and scores: {path}")


def _print_plan(plan: SweepPlan) -> None:
    rendered = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("stage", "runs", "done", "time of the rest", ""):
        rendered.add_column(heading, justify="left" if heading in ("stage", "") else "right", no_wrap=heading != "")
    for name, stage in plan.stages.items():
        count = len(stage.runs)
        shared = "shared by all arms" if count == 1 else f"{count} arms" if count == len(plan.arms) else ""
        hours = "" if stage.hours is None else duration(stage.hours)
        note = ", ".join(part for part in (shared, stage.note) if part)
        rendered.add_row(name, str(count), str(stage.done), hours, note)
    stdout.print(rendered)
    for arm, done in plan.arms.items():
        say(f"  {'done     ' if done else 'not done '}{arm}")


def _ranking(report: Report, measure: Measure) -> Table:
    """Every round, its arms best first."""
    title = f"{measure.name} {measure.arrow}"
    rendered = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("round", "arm", "score", ""):
        rendered.add_column(heading, justify="right" if heading == "score" else "left", overflow="fold")
    for part in report.rounds:
        for arm in part.ranked(measure):
            note = "kept" if arm.name in part.kept else arm.why.partition("\n")[0]
            rendered.add_row(part.title, arm.name, three_digits(arm.score), note)
        rendered.add_section()
    return rendered


def _over_seeds(found: OverSeeds, measure: Measure) -> Table:
    """Arms that differ only in their seed, together, best mean first."""
    title = f"{measure.name} {measure.arrow} over seeds"
    rendered = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("arm", "seeds", "mean", "SD", ""):
        rendered.add_column(heading, justify="left" if heading in ("arm", "") else "right", overflow="fold")
    for group in found.groups:
        note = f"within {COUNTS} SD of the best: no difference shown" if found.as_good_as_best(group) else ""
        if group.mean is None:
            note = f"{len(group.arms) - len(group.scores)} failed"
        cells = (str(len(group.scores)), three_digits(group.mean), three_digits(group.sd))
        rendered.add_row(group.name, *cells, note)
    if found.sd is not None:
        rendered.caption = f"SD over seeds, pooled over the arms: {found.sd:.2g}"
    return rendered
