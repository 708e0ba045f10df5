"""`llimba choose`: which base model for a recipe's language, before anything is trained."""

import json
from pathlib import Path
from typing import Annotated

import typer

from llimba.cli.app import RecipePath, Runs, Set, app, say, stdout
from llimba.pipeline.choosing import choose as choose_base
from llimba.pipeline.choosing import language_names
from llimba.recipe.file import load_recipe
from llimba.reports.candidates import notes, render_choice


@app.command(
    epilog="Example: llimba choose recipes/demo.yaml Qwen/Qwen3-0.6B google/gemma-3-270m=~/gemma --card rtx4090"
)
def choose(
    recipe: RecipePath,
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Hub ids, folders, or NAME=FOLDER where NAME is the folder's hub id.", metavar="MODEL..."),
    ] = None,
    card: Annotated[str | None, typer.Option(help="A GPU to plan for, e.g. rtx4090; default: what is here.")] = None,
    base: Annotated[bool, typer.Option(help="The recipe's own base model is a candidate too.")] = True,
    set_: Set = None,
    runs: Runs = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Score base models on the recipe's held-out text: bits per byte, tokens a word, licence, memory; recommend one.

    Runs sources and corpus first if needed. What is scored is kept: the same command continues.
    """
    loaded = load_recipe(recipe, set_ or [])
    done = choose_base(loaded, models or [], runs, card, base=base)
    if as_json:
        found = done.choice.model_dump(mode="json") | {"picture": str(done.picture) if done.picture else None}
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for table in render_choice(done.choice, language_names(loaded)):
        stdout.print(table)
    said = [*notes(done.choice), ""] if notes(done.choice) else []
    recommended = "recommended" if done.choice.recommended else "none recommended"
    said.append(f"{recommended}: {done.choice.reason}.")
    said += [f"vocabulary: {done.choice.vocabulary}."] if done.choice.vocabulary else []
    said += [f"picture {done.picture}"] if done.picture else []
    for line in said:
        say(line)
