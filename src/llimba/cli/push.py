"""`llimba push`: a finished model to the hub, shown first."""

from pathlib import Path
from typing import Annotated

import typer

from llimba.cli.app import ModelOrRecipe, Runs, Set, Stage, app, model_folder, say
from llimba.use.export.hub import check_card, destination, listing, named_repository, upload


@app.command(epilog="Example: llimba push recipes/demo.yaml me/smollm2-sardinian          (then again with --yes)")
def push(
    model: ModelOrRecipe,
    repository: Annotated[
        str | None, typer.Argument(help="On the hub: you/name; default: what the card names.", metavar="[REPOSITORY]")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Upload; without it nothing leaves this machine.")] = False,
    public: Annotated[bool, typer.Option("--public", help="A new repository is private otherwise.")] = False,
    stage: Stage = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """List the files and the card's header that would go to the hub; with --yes, upload them."""
    folder = model_folder(model, runs, set_, stage)
    files = listing(folder)
    header = check_card(folder)
    place = destination(folder, repository)
    say(f"{header}\n")
    for file in files:
        say(f"{file.bytes:>15,}  {file.name}")
    total = sum(file.bytes for file in files)
    say(f"{total:>15,}  bytes in {len(files)} files, from {folder}")
    if named_repository(folder) is None:
        say(
            f"\nThe card names no repository, so its quick start is for a downloaded folder. Set publish.repository: "
            f"{place} and run the recipe again (seconds) to have it name this one."
        )
    if not yes:
        say(f"\ndry run: nothing was sent. Add --yes to upload to {place}.")
        return
    say(f"\n{upload(folder, place, files, private=not public)}")
