"""`llimba run`: everything of a recipe that is not done yet."""

from pathlib import Path
from typing import Annotated

import typer

from llimba import processes, progress
from llimba.cli.app import RecipePath, Runs, Set, app, say
from llimba.cli.compare import print_table
from llimba.errors import Unavailable
from llimba.pipeline import runner
from llimba.recipe.file import load_recipe
from llimba.stages.folders import PublishedFolder


@app.command(epilog="Example: llimba run recipes/demo.yaml --until corpus --set corpus.min_words=5")
def run(
    recipe: RecipePath,
    until: Annotated[str | None, typer.Option(help="The stage to run, after what it needs; default: all.")] = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
    fallback: Annotated[
        Path | None, typer.Option(help="A recipe to run instead where this machine lacks a package or its client.")
    ] = None,
) -> None:
    """Run every stage of a recipe that is not done yet. If it is stopped, the same command continues."""
    loaded = load_recipe(recipe, set_ or [])
    try:
        steps = runner.run(loaded, runs, until)
    except Unavailable as error:
        if fallback is None:
            raise
        say(f"{error}\nRunning {fallback} instead.", progress.console)
        loaded = load_recipe(fallback, set_ or [])
        steps = runner.run(loaded, runs, until)
    if not processes.is_main():
        return
    folders = {step.stage.name: step.folder for step in steps if step.state == "done"}
    if "evaluate" in folders:
        print_table([(loaded, folders["evaluate"])])
    if "publish" in folders:
        published = PublishedFolder(folders["publish"])
        model = published.model
        say(f"\nmodel       {model}\nmodel card  {model / 'README.md'}\ncurves      {model / 'loss.png'}")
        if published.cpt.is_dir():
            say(f"checkpoint  {published.cpt}")
