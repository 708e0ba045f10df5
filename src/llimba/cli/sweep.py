"""`llimba sweep`: one recipe with several values for some of its keys, side by side."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from llimba import processes
from llimba.cli.app import RecipePath, Runs, app, stdout
from llimba.cli.compare import print_table

if TYPE_CHECKING:
    from llimba.pipeline.sweep.arms import Arm

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
        bool,
        typer.Option("--halving", help="Every arm with a third of its training steps first; the better half goes on."),
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(help="Ranked by, e.g. chrf:en-sc; default: bits_per_byte of the language to be learned."),
    ] = None,
    until: Annotated[str, typer.Option(help="The stage to run of every arm, after what it needs.")] = "evaluate",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the arms, what they share, the time; run nothing.")
    ] = False,
    card: Annotated[str | None, typer.Option(help="With --dry-run: a GPU to plan for; default: what is here.")] = None,
    runs: Runs = Path("runs"),
) -> None:
    """Run a recipe with every combination of some values. What arms share is run once; the same command goes on."""
    from llimba.pipeline.sweep.arms import arms as arms_of
    from llimba.pipeline.sweep.measure import measure as measure_of
    from llimba.pipeline.sweep.outlook import outlook, steps_of, table
    from llimba.pipeline.sweep.rounds import run_sweep

    arms = arms_of(recipe, set_ or [])
    stages = [step.stage.name for step in steps_of(arms[0], runs, until)]
    measure = measure_of(by, arms[0].recipe, until) if {"cpt", "sft"} & set(stages) else None
    ranked = (
        f"ranked by {measure.name} {measure.arrow} ({measure.reason})" if measure else "nothing is scored up to here"
    )
    if processes.is_main():
        stdout.print(f"{len(arms)} arms of {recipe}, {ranked}", markup=False, soft_wrap=True)
    if dry_run:
        found = outlook(arms, runs, until, card)
        stdout.print(table(found))
        for arm in found["arms"]:
            stdout.print(f"  {'done     ' if arm['done'] else 'not done '}{arm['name']}", markup=False, soft_wrap=True)
        return
    report, path = run_sweep(arms, measure, runs, until, halving=halving)
    if not processes.is_main():
        return
    final = {row["name"]: row for row in report["rounds"][-1]["arms"]}
    finished = [arm for arm in arms if final.get(arm.name, {}).get("state") == "done"]
    if until in ("evaluate", "publish"):
        named = {arm.name: arm.recipe.model_copy(update={"name": _lines(arm)}) for arm in finished}
        folders = {name: {s: Path(f) for s, f in final[name]["folders"].items()} for name in named}
        print_table(
            [(named[name], of["evaluate"]) for name, of in folders.items()],
            {named[name].name: of["sft"] for name, of in folders.items()},
        )
    if measure is not None:
        stdout.print(_ranking(report, measure.name, measure.arrow, measure.rank))
        if report["over_seeds"]:
            stdout.print(_over_seeds(report["over_seeds"], measure.name, measure.arrow))
    if report["best"]:
        options = " ".join(f"--set {shlex.quote(override)}" for override in report["best_overrides"])
        finish = f"best: {report['best']}\nto finish it: llimba run {recipe} {options}".rstrip()
        stdout.print(finish, markup=False, soft_wrap=True)
    stdout.print(f"all arms with fingerprints and scores: {path}", markup=False, soft_wrap=True)


def _lines(arm: "Arm") -> str:
    """A narrow heading: a line for each key that differs, without its section."""
    parts = [override.partition("=") for override in arm.differs]
    return "\n".join(f"{key.rpartition('.')[2]}={value}" for key, _, value in parts) or arm.name


def _ranking(report: dict[str, Any], name: str, arrow: str, rank: Any) -> Table:
    """Every round, its arms best first."""
    rendered = Table(title=f"{name} {arrow}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("round", "arm", "score", ""):
        rendered.add_column(heading, justify="right" if heading == "score" else "left", overflow="fold")
    for part in report["rounds"]:
        for row in sorted(part["arms"], key=lambda row: rank(row["score"])):
            said = row["why"].splitlines()[0] if row["state"] == "failed" else ""
            said = "goes on" if row["name"] in part.get("goes_on", ()) else said
            score = "–" if row["score"] is None else f"{row['score']:.3f}"
            rendered.add_row(part["round"], escape(row["name"]), score, escape(said))
        rendered.add_section()
    return rendered


def _over_seeds(found: dict[str, Any], name: str, arrow: str) -> Table:
    """Arms that differ in their seed alone, together, best mean first."""
    rendered = Table(title=f"{name} {arrow} over seeds", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("arm", "seeds", "mean", "SD", ""):
        rendered.add_column(heading, justify="left" if heading in ("arm", "") else "right", overflow="fold")
    for group in found["groups"]:
        mean, sd = (("–" if group[key] is None else f"{group[key]:.3f}") for key in ("mean", "sd"))
        said = ""
        if group["mean"] is None:
            said = f"{len(group['arms']) - len(group['scores'])} failed"
        elif group["name"] in found["not_told_apart"]:
            said = f"within {found['counts']} SD of the best: not told apart"
        rendered.add_row(escape(group["name"]), str(len(group["scores"])), mean, sd, said)
    if found["sd"] is not None:
        rendered.caption = f"SD over seeds, pooled over the arms: {found['sd']:.2g}"
    return rendered
