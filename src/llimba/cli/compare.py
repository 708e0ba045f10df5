"""`llimba compare`: the scores of finished recipes side by side."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from llimba.cli.app import Runs, app, say, stdout
from llimba.manifest import Json
from llimba.pipeline import runner
from llimba.recipe import Recipe
from llimba.recipe.file import load_recipe
from llimba.reports import matched
from llimba.reports.evaluated import EvaluatedFolder
from llimba.reports.page import write_page
from llimba.reports.paired import NOTE, SAMPLES, against_the_first
from llimba.reports.rows import Evaluated, arrow
from llimba.reports.table import footnote, render_tables


@app.command(epilog="Example: llimba compare recipes/sft-*.yaml")
def compare(
    recipes: Annotated[list[Path], typer.Argument(help="Recipes that have been run.", metavar="RECIPE...")],
    runs: Runs = Path("runs"),
    page: Annotated[Path | None, typer.Option("--report", help="The page; default: RUNS/compare/NAMES.html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: print JSON, write no page.")] = False,
) -> None:
    """The scores of finished recipes side by side: a table here, and a page with pictures and sentences."""
    loaded = [load_recipe(path) for path in recipes]
    finished = [(recipe, runner.finished_folders(recipe, runs, "evaluate", "scores")) for recipe in loaded]
    evaluated = [(recipe, folders["evaluate"]) for recipe, folders in finished]
    trained = {recipe.name: folders["sft"] for recipe, folders in finished}
    if as_json:
        scores: Json = {
            recipe.name: EvaluatedFolder(folders["evaluate"]).scores().to_json()
            | {"training": matched.training(folders["sft"])}
            for recipe, folders in finished
        }
        scores["matched"] = matched.proof(trained)
        typer.echo(json.dumps(scores, ensure_ascii=False, indent=2))
    else:
        print_table(evaluated, trained if len(evaluated) > 1 else None)
        for line in [*paired_lines(evaluated), *matched.proof(trained)]:
            say(line)
        page = page or runs / "compare" / f"{'-'.join(trained)[:80]}.html"
        write_page(finished, page)
        say(f"The same with pictures and sentences: {page}")


def print_table(evaluated: list[tuple[Recipe, Path]], trained: dict[str, Path] | None = None) -> None:
    """Print the table of finished evaluations: (recipe, folder of its evaluate stage), and the sft folders by name.

    In as many parts as the terminal is wide; into a file, as wide as it needs to be.
    """
    costs = {name: matched.training(folder) for name, folder in (trained or {}).items()}
    scored = [Evaluated(of, EvaluatedFolder(folder).scores(), costs.get(of.name, {})) for of, folder in evaluated]
    console = stdout if stdout.is_terminal else Console(highlight=False, width=10_000)
    for rendered in render_tables(scored, stdout.width if stdout.is_terminal else None):
        console.print(rendered)
    if note := footnote(scored[0].scores):
        stdout.print(note, style="dim")


def paired_lines(evaluated: list[tuple[Recipe, Path]]) -> list[str]:
    """For every further recipe a line a direction: its model after SFT against the first recipe's, paired."""
    lines = []
    for recipe, by_direction in against_the_first([(of, EvaluatedFolder(folder)) for of, folder in evaluated]).items():
        lines.append(f"{recipe} against {evaluated[0][0].name}, after SFT (paired bootstrap, {SAMPLES} resamples):")
        for direction, (sentences, *differences) in by_direction.items():
            found = ", ".join(
                f"{metric} {of.difference:+.1f} (p {of.p:.3f})"
                for metric, of in zip(("BLEU", "chrF"), differences, strict=True)
            )
            lines.append(f"  {arrow(direction)}  {found}, n {sentences}")
    return [*lines, NOTE] if lines else []
