"""`llimba plan`: what a run would do, and what it would need."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from llimba.cli.app import RecipePath, Runs, Set, app, say, stdout
from llimba.errors import StageError
from llimba.manifest import Json, read_manifest
from llimba.pipeline import budget, requirements, runner
from llimba.pipeline.requirements import sentence
from llimba.pipeline.step import Step
from llimba.recipe.file import load_recipe
from llimba.recipe.needs import Need
from llimba.reports.plan_table import hours_text, render_epoch, render_plan
from llimba.stages.folders import InstructFacts

STATE_STYLE = {"done": "green", "partial": "yellow", "stale": "yellow", "missing": "dim"}


@app.command(epilog="Example: llimba plan recipes/llimba-3b.yaml --card rtx4090")
def plan(
    recipe: RecipePath,
    card: Annotated[str | None, typer.Option(help="A GPU to plan for, e.g. rtx4090; default: what is here.")] = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what is done, what a run would do, and what its training needs: tokens, steps, memory, time, disk.

    Changes nothing. Where text is to be counted, the base model's tokenizer is fetched (a few MB, no weights).
    """
    loaded = load_recipe(recipe, set_ or [])
    steps = runner.plan(loaded, runs)
    unknown, no_tokenizer = "", requirements.fetch_tokenizer(loaded, steps)
    try:
        estimates = budget.estimates(loaded, runs, card)
    except StageError as error:
        estimates, unknown = {}, str(error)
    try:
        settled = runner.examined(loaded, runs)
    except StageError as error:
        settled = [f"a run will be refused before it trains: {error}"]
    hours, missing = budget.hours(steps, estimates), requirements.missing(loaded, steps, runs, card)
    if as_json:
        rows = [
            {
                "stage": step.stage.name,
                "needs": step.needs,
                "state": step.state,
                "why": step.why,
                "folder": str(step.folder),
                "settings": step.ingredients.section,
                "estimate": found.model_dump() if (found := estimates.get(step.stage.name)) else None,
            }
            for step in steps
        ]
        typer.echo(
            json.dumps(
                {
                    "recipe": loaded.name,
                    "stages": rows,
                    "hours": hours.model_dump() | {"total": round(hours.total, 3)},
                    "examined": settled,
                    "missing": [asdict(need) for need in missing],
                    "tokenizer": no_tokenizer,
                },
                ensure_ascii=False,
                indent=2,
            )
        )
        return
    learns = f" ({recipe}): {loaded.base_model.name} learns {loaded.profile.name(loaded.profile.code, 'en')}"
    tree = Tree(Text.assemble((loaded.name, "bold"), learns))
    for step in steps:
        needs = f"  reads {', '.join(step.needs)}" if step.needs else ""
        why = f"  {step.why}" if step.why else ""
        state = (step.state, STATE_STYLE[step.state])
        branch = tree.add(Text.assemble((step.stage.name, "bold"), "  ", state, why, (needs, "dim")))
        branch.add(Text(str(step.folder), "dim"))
        branch.add(Text(_settings(step.ingredients.section)))
        if copies := _copies(step):
            branch.add(copies)
    stdout.print(tree)
    derived = loaded.derived_license
    said = f"declared {loaded.publish.license}" if loaded.publish.license else f"derived from {derived.because}"
    say(f"licence: {loaded.publish.license or derived.terms.license} ({said})")
    if derived.difference:
        say(f"licence of {loaded.base_model.name}: {derived.difference}")
    for line in settled:
        say(f"tokens and template: {line}")
    if no_tokenizer:
        say(f"tokens are not counted: {no_tokenizer}")
    if estimates:
        stdout.print(render_plan(estimates))
        for stage, found in estimates.items():
            if found.why:
                say(f"tokens of {stage}: {found.why}")
            if found.epoch:
                stdout.print(render_epoch(stage, found.epoch))
        say(hours_text(hours))
    else:
        stdout.print(f"memory and time: {unknown}")
    _print_missing(
        [need for need in missing if need.certain], "missing on this machine; a run will be refused without it:"
    )
    _print_missing([need for need in missing if not need.certain], "cannot be told from here:")


def _print_missing(needs: Sequence[Need], title: str) -> None:
    if needs:
        say(title + "".join(f"\n  - {sentence(need)}" for need in needs))


def _copies(step: Step) -> str:
    """Of a finished `instruct`: how many conversations were copies of another, and what became of them."""
    manifest = read_manifest(step.folder) if step.stage.name == "instruct" and step.state == "done" else None
    if manifest is None:
        return ""
    facts = manifest.facts_as(InstructFacts)
    removed, kept = facts.duplicates_removed, facts.duplicates - facts.duplicates_removed
    return f"{facts.conversations:,} conversations; copies of another: {removed:,} removed, {kept:,} kept"


def _settings(section: Json) -> str:
    """A section's settings on one line, sources by name."""
    if all(isinstance(value, dict) and "kind" in value for value in section.values()):
        return ", ".join(f"{name} ({value['kind']})" for name, value in section.items())
    return ", ".join(f"{key}={value}" for key, value in section.items() if value not in (None, [], {}))
