"""`llimba export`: a finished model as GGUF files with a Modelfile for Ollama."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from llimba.cli.app import Runs, app, stdout
from llimba.cli.model_folder import ModelOrRecipe, model_folder
from llimba.errors import LlimbaError
from llimba.files import replacing

CHECKED = 20  # prompts that the f16 file must answer like the folder


@app.command(epilog="Example: llimba export recipes/demo.yaml --folder gguf --type f16 --type q8_0")
def export(
    model: ModelOrRecipe,
    folder: Annotated[Path, typer.Option(help="Where the files go.")] = Path("gguf"),
    kinds: Annotated[
        list[str] | None, typer.Option("--type", help="f16, q8_0, q4_0, bf16 or f32; default: f16 and q8_0.")
    ] = None,
    name: Annotated[str, typer.Option(help="What the files are called.")] = "model",
    check: Annotated[bool, typer.Option(help=f"Ask the f16 file {CHECKED} questions and the folder the same.")] = True,
    runs: Runs = Path("runs"),
) -> None:
    """Write GGUF files for llama.cpp and Ollama, each checked against the model folder."""
    source = model_folder(model, runs)
    from transformers import AutoTokenizer

    from llimba.models.opened import check_folder
    from llimba.models.template import check_template
    from llimba.use.export.gguf import convert, converter, same_answers
    from llimba.use.export.modelfile import modelfile
    from llimba.use.export.quantize import quantize

    check_folder(source)
    tokenizer = AutoTokenizer.from_pretrained(source)
    check_template(source, tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    script = converter()
    wanted = list(dict.fromkeys(kinds or ["f16", "q8_0"]))
    for kind in sorted(wanted, key=lambda kind: kind == "q4_0"):  # it is made of the f16 file, so that comes first
        file = folder / f"{name}-{kind}.gguf"
        if kind == "q4_0":
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                made = folder / f"{name}-f16.gguf"
                whole = made if "f16" in wanted else convert(source, Path(scratch) / made.name, "f16", script)
                quantize(source, whole, file)
        else:
            convert(source, file, kind, script)
        said = ""
        if kind == "f16" and check:
            same = same_answers(source, file, [f"{number} + {number} = ?" for number in range(CHECKED)])
            said = f", {same} of {CHECKED} greedy answers the same as the folder's in f16"
            if same < CHECKED:
                raise LlimbaError(f"export: {file} answers like {source} {same} times of {CHECKED}; do not use it.")
        stdout.print(f"{file}  {file.stat().st_size / 2**20:,.0f} MiB{said}", markup=False, soft_wrap=True)
    stops = [tokenizer.eos_token]
    with replacing(folder / "Modelfile") as handle:
        handle.write(modelfile(f"{name}-{wanted[-1]}.gguf", tokenizer, stops))
    stdout.print(
        f"{folder / 'Modelfile'}  ollama create {name} -f {folder / 'Modelfile'}", markup=False, soft_wrap=True
    )
