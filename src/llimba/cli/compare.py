"""`llimba compare`: the scores of finished recipes side by side."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from llimba import progress
from llimba.cli.app import Runs, Set, app, is_recipe, say, stdout
from llimba.errors import LlimbaError
from llimba.files import file_name
from llimba.manifest import Json
from llimba.pipeline import runner
from llimba.recipe import Recipe
from llimba.recipe.file import load_recipe
from llimba.reports import matched
from llimba.reports.evaluated import EvaluatedFolder
from llimba.reports.page import Finished, write_page
from llimba.reports.paired import NOTE, SAMPLES, against_the_first
from llimba.reports.rows import Evaluated, arrow
from llimba.reports.scored_text import published_notes
from llimba.reports.table import footnote, render_tables


@app.command(epilog="Example: llimba compare recipes/sft-*.yaml")
def compare(
    recipes: Annotated[
        list[Path], typer.Argument(help="Recipes that have been run, or folders RUNS/evaluate/...", metavar="RECIPE...")
    ],
    set_: Set = None,
    runs: Runs = Path("runs"),
    page: Annotated[Path | None, typer.Option("--report", help="The page; default: RUNS/compare/NAMES.html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: print JSON, write no page.")] = False,
) -> None:
    """The scores of finished recipes side by side: a table here, and a page with pictures and sentences."""
    finished = _renamed([_finished(path, runs, set_ or []) for path in recipes])
    evaluated = [(recipe, folders["evaluate"]) for recipe, folders in finished]
    trained = {recipe.name: folders for recipe, folders in finished}
    if as_json:
        scores: Json = {
            recipe.name: EvaluatedFolder(folders["evaluate"]).scores().to_json()
            | {"training": matched.training(folders)}
            for recipe, folders in finished
        }
        scores["matched"] = matched.proof(trained)
        typer.echo(json.dumps(scores, ensure_ascii=False, indent=2))
    else:
        print_table(evaluated, trained if len(evaluated) > 1 else None)
        for line in [*paired_lines(evaluated), *matched.proof(trained)]:
            say(line)
        page = page or runs / "compare" / f"{file_name('-'.join(trained))}.html"
        write_page(finished, page)
        say(f"The same with pictures and sentences: {page}")


def _finished(named: Path, runs: Path, overrides: list[str]) -> Finished:
    """The recipe and its finished stages, by the recipe or by the folder of its evaluation."""
    if not is_recipe(named):
        recipe, folders = runner.finished_run(named)
        if "evaluate" not in folders:
            raise LlimbaError(
                f"{named} has no scores: name the folder of an evaluate stage, RUNS/evaluate/FINGERPRINT."
            )
        return recipe, folders
    recipe = load_recipe(named, overrides)
    return recipe, runner.finished_folders(recipe, runs, "evaluate", "scores")


def _renamed(finished: list[Finished]) -> list[Finished]:
    """Runs of one name get the name of their evaluation's folder beside it: columns are told by name."""
    times = Counter(recipe.name for recipe, _ in finished)
    return [
        (recipe.model_copy(update={"name": f"{recipe.name}-{of['evaluate'].name[:6]}"}), of)
        if times[recipe.name] > 1
        else (recipe, of)
        for recipe, of in finished
    ]


def print_table(evaluated: list[tuple[Recipe, Path]], trained: dict[str, dict[str, Path]] | None = None) -> None:
    """Print the table of finished evaluations: (recipe, folder of its evaluate stage), and all folders by recipe.

    In as many parts as the terminal is wide; into a file, as wide as it needs to be.
    """
    costs = {name: matched.training(folders) for name, folders in (trained or {}).items()}
    scored = [Evaluated(of, EvaluatedFolder(folder).scores(), costs.get(of.name, {})) for of, folder in evaluated]
    console = stdout if stdout.is_terminal else progress.plain_console(width=10_000)
    for rendered in render_tables(scored, stdout.width if stdout.is_terminal else None):
        console.print(rendered)
    first = scored[0].scores
    for note in [footnote(first), *published_notes(first)]:
        if note:
            stdout.print(note, style="dim")


def paired_lines(evaluated: list[tuple[Recipe, Path]]) -> list[str]:
    """For every further recipe a line a direction: its finished model against the first recipe's, paired."""
    lines = []
    for recipe, by_direction in against_the_first([(of, EvaluatedFolder(folder)) for of, folder in evaluated]).items():
        lines.append(f"{recipe} against {evaluated[0][0].name} (paired bootstrap, {SAMPLES} resamples):")
        for direction, (sentences, *differences) in by_direction.items():
            found = ", ".join(
                f"{metric} {of.difference:+.1f} (p {of.p:.3f})"
                for metric, of in zip(("BLEU", "chrF"), differences, strict=True)
            )
            lines.append(f"  {arrow(direction)}  {found}, n {sentences}")
    return [*lines, NOTE] if lines else []
