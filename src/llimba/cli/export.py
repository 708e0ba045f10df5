"""`llimba export`: a finished model as GGUF files with a Modelfile for Ollama."""

from pathlib import Path
from typing import Annotated

import typer

from llimba.cli.app import ModelOrRecipe, Runs, Set, Stage, app, model_folder, say
from llimba.use.export.gguf import QUESTIONS, export_files


@app.command(epilog="Example: llimba export recipes/demo.yaml --folder gguf --type f16 --type q8_0")
def export(
    model: ModelOrRecipe,
    folder: Annotated[Path, typer.Option(help="Where the files go.")] = Path("gguf"),
    kinds: Annotated[list[str] | None, typer.Option("--type", help="f16, q8_0, bf16, f32; default: f16, q8_0.")] = None,
    name: Annotated[str, typer.Option(help="What the files are called.")] = "model",
    check: Annotated[bool, typer.Option(help="Ask the f16 file 20 questions and the folder the same.")] = True,
    stage: Stage = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """Write GGUF files for llama.cpp and Ollama, each checked against the model folder."""
    source = model_folder(model, runs, set_, stage)
    for file in export_files(source, folder, kinds or ["f16", "q8_0"], name, check=check):
        said = f", {file.same} of {len(QUESTIONS)} greedy answers the same as the folder's in f16" if file.same else ""
        say(f"{file.path}  {file.bytes / 2**20:,.0f} MiB{said}")
    made = folder / "Modelfile"
    say(f"{made}  ollama create {name} -f {made}")
