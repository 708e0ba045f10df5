"""`llimba web`: a finished model on a page in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from llimba import progress
from llimba.cli.address import TOKEN, shown_host, token_for
from llimba.cli.app import ModelOrRecipe, Runs, Set, Stage, app, model_folder, say
from llimba.errors import LlimbaError
from llimba.models.loading import open_model
from llimba.use.web.application import application, check_installed
from llimba.use.web.wording import wordings


@app.command(epilog="Example: llimba web recipes/demo.yaml --interface sc")
def web(
    model: ModelOrRecipe,
    host: Annotated[str, typer.Option(help="Another address than loopback needs --public and a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 7860,
    interface: Annotated[
        str | None, typer.Option(help="The language of the page at first: en or sc; default: the model's own, else en.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="The page's heading; default: from the model's card.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="An answer is cut here.")] = 256,
    profile: Annotated[str | None, typer.Option(help="A language profile, where the folder has none.")] = None,
    public: Annotated[bool, typer.Option("--public", help=f"Listen beyond this machine; needs ${TOKEN}.")] = False,
    stage: Stage = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """A page with chat and translation, in Sardinian and English; nothing on it reaches the network."""
    token = token_for("web", host, public, "visitors give it as the password, with any name")
    if interface is not None and interface not in wordings():
        raise LlimbaError(f"web --interface {interface}: there are {', '.join(wordings())}.")
    folder = model_folder(model, runs, set_, stage)
    check_installed()
    from llimba.use.serving.listening import bound, listen

    at = bound(host, port)
    opened = open_model(folder, profile)
    served = application(opened, token=token, title=title, max_new_tokens=max_new_tokens, interface=interface)
    say(f"http://{shown_host(host)}:{port}/ is the page of {folder}; Ctrl-C ends it.", progress.console)
    say(f"password: {'asked for' if token else 'none (only this machine can reach it)'}", progress.console)
    listen(served, at)
