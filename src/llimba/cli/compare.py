"""`llimba compare`: the scores of finished recipes side by side."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from llimba import runner
from llimba.cli.app import Runs, app, stdout
from llimba.errors import LlimbaError
from llimba.recipe import Recipe
from llimba.recipe_file import load_recipe


@app.command(epilog="Example: llimba compare recipes/demo.yaml recipes/demo-lora.yaml")
def compare(
    recipes: Annotated[list[Path], typer.Argument(help="Recipes that have been run.", metavar="RECIPE...")],
    runs: Runs = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """The scores of finished recipes side by side."""
    evaluated = []
    for path in recipes:
        loaded = load_recipe(path)
        step = next(step for step in runner.plan(loaded, runs) if step.stage.name == "evaluate")
        if step.state != "done":
            raise LlimbaError(f"{path} has no scores yet ({step.state}: {step.why}). Run: llimba run {path}")
        evaluated.append((loaded, step.folder))
    if as_json:
        from llimba.compare import load_scores

        scores = {recipe.name: load_scores(folder) for recipe, folder in evaluated}
        typer.echo(json.dumps(scores, ensure_ascii=False, indent=2))
    else:
        print_table(evaluated)


def print_table(evaluated: list[tuple[Recipe, Path]]) -> None:
    """Print the table of finished evaluations: (recipe, folder of its evaluate stage)."""
    from llimba.compare import load_scores, table

    rendered: Table = table([(recipe, load_scores(folder)) for recipe, folder in evaluated])
    stdout.print(rendered)
