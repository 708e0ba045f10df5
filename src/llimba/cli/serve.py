"""`llimba serve`: a finished model for any OpenAI client."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from llimba import progress
from llimba.cli.address import TOKEN, shown_host, token_for
from llimba.cli.app import ModelOrRecipe, Runs, Set, Stage, app, model_folder, say
from llimba.errors import LlimbaError
from llimba.models.loading import open_model
from llimba.use.serving.server import MOST_AT_ONCE, Model, build


@app.command(epilog="Example: llimba serve recipes/demo.yaml --port 8080")
def serve(
    model: ModelOrRecipe,
    host: Annotated[str, typer.Option(help="Another address than loopback needs --public and a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8080,
    name: Annotated[str, typer.Option(help="What clients call the model.")] = "llimba",
    public: Annotated[bool, typer.Option("--public", help=f"Listen beyond this machine; needs ${TOKEN}.")] = False,
    stage: Stage = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """Serve /v1/chat/completions and /v1/models for any OpenAI client, one answer at a time."""
    token = token_for("serve", host, public, "clients send it as their API key")
    folder = model_folder(model, runs, set_, stage)
    if missing := [needed for needed in ("starlette", "uvicorn") if not find_spec(needed)]:
        raise LlimbaError(f"serve: {', '.join(missing)} is missing. Install it: pip install 'llimba[serve]'.")
    from llimba.use.serving.listening import bound, listen

    at = bound(host, port)
    served = build(Model(open_model(folder), name), token)
    address = f"http://{shown_host(host)}:{port}/v1"
    said = f"serves the model '{name}', one answer at a time, {MOST_AT_ONCE} requests at once; Ctrl-C ends it."
    say(f"{address} {said}", progress.console)
    say(f"token: {'asked for' if token else 'none (only this machine can reach it)'}", progress.console)
    listen(served, at)
