"""`llimba serve`: a finished model behind an OpenAI-compatible endpoint."""

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from llimba import progress
from llimba.cli.address import TOKEN, shown_host, token_for
from llimba.cli.app import ModelOrRecipe, Runs, Set, Stage, app, model_folder, say
from llimba.models.encoding import takes_system
from llimba.models.loading import chat_tokenizer
from llimba.use.serving.asked import Limits
from llimba.use.serving.engine import Engine, choose
from llimba.use.serving.guard import build


@app.command(epilog="Example: llimba serve recipes/demo.yaml --port 8080")
def serve(
    model: ModelOrRecipe,
    host: Annotated[str, typer.Option(help="Another address than loopback needs --public and a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8080,
    name: Annotated[str, typer.Option(help="What clients call the model.")] = "llimba",
    engine: Annotated[str, typer.Option(help="transformers, vllm, or auto: vLLM where it is installed.")] = "auto",
    public: Annotated[bool, typer.Option("--public", help=f"Listen beyond this machine; needs ${TOKEN}.")] = False,
    stage: Stage = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """Serve /v1/chat/completions and /v1/models through transformers or vLLM, for any OpenAI client."""
    token = token_for("serve", host, public, "clients send it as their API key")
    folder = model_folder(model, runs, set_, stage)
    chosen, why = choose(engine)
    import uvicorn

    tokenizer = chat_tokenizer(folder)  # refuses a folder that is not safe to serve
    signal.signal(signal.SIGTERM, _end)  # uvicorn sends itself the signal again, and the engine must be stopped first
    with Engine(chosen, folder) as running:
        guard = build(name, running, Limits(folder, takes_system=takes_system(tokenizer)), token)
        address = f"http://{shown_host(host)}:{port}/v1"
        say(f"{address} serves the model '{name}' with {chosen} ({why}); Ctrl-C ends it.", progress.console)
        say(f"token: {'asked for' if token else 'none (only this machine can reach it)'}", progress.console)
        uvicorn.run(guard, host=host, port=port, log_level="warning")


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
