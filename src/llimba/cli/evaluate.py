"""`llimba evaluate`: score any model folder or hub id on a recipe's held-out text, without training it."""

from pathlib import Path
from typing import Annotated

import typer

from llimba.cli.app import Runs, Set, app, say
from llimba.cli.compare import print_table
from llimba.pipeline.evaluation import evaluate_model
from llimba.recipe.file import load_recipe


@app.command(epilog="Example: llimba evaluate runs/sft/0123456789abcdef/model --recipe recipes/demo.yaml")
def evaluate(
    model: Annotated[str, typer.Argument(help="A model folder, or the id of a model on the hub.", metavar="MODEL")],
    recipe: Annotated[Path, typer.Option(help="Says what is scored: evaluation sources, directions, languages.")],
    out: Annotated[Path | None, typer.Option(help="Where scores and answers go; default: RUNS/evaluations/...")] = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """Score a model next to a copy of the source; every answer is saved. Sources and corpus are run first if needed."""
    loaded = load_recipe(recipe, set_ or [])
    done = evaluate_model(model, loaded, runs, out)
    print_table([(loaded, done.path)])
    say(f"{done.scores_file}; every answer under {done.hypotheses}/")
