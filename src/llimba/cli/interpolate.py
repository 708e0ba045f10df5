"""`llimba interpolate`: a model between two finished folders, chosen by held-out text and scored next to both."""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from llimba.cli.app import Runs, Set, app, say, stdout
from llimba.cli.compare import print_table
from llimba.errors import LlimbaError
from llimba.pipeline.interpolation import interpolate_folders
from llimba.recipe.file import load_recipe
from llimba.reports.training_facts import Interpolation


@app.command(
    epilog="Example: llimba interpolate BASE runs/cpt/0123456789abcdef/model --weight 0.5,0.7,0.9 --recipe demo.yaml"
)
def interpolate(
    start: Annotated[Path, typer.Argument(help="The model folder that training started from.", metavar="START")],
    trained: Annotated[Path, typer.Argument(help="The folder of the trained model.", metavar="TRAINED")],
    weight: Annotated[str, typer.Option(help="How far from START to TRAINED: 0 to 1, one or several with commas.")],
    recipe: Annotated[Path, typer.Option(help="Says what is held out and scored: sources, directions, languages.")],
    tolerance: Annotated[float, typer.Option(help="How much worse another language may get: 0.03 is 3 %.")] = 0.03,
    out: Annotated[Path | None, typer.Option(help="Where the model goes; default: RUNS/interpolations/...")] = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """Mix the weights of a model before and after training. Several weights are chosen from and scored side by side.

    Half of the held-out text chooses, the other half is scored.
    """
    weights, loaded = _weights(weight), load_recipe(recipe, set_ or [])
    done = interpolate_folders(loaded, start, trained, weights, tolerance, runs, out)
    if done.taken.table:
        stdout.print("bits per byte ↓ of the text that chooses")
        stdout.print(_choices(done.taken))
        say(f"weight {done.taken.weight:g}: {done.taken.reason}")
        stdout.print("chosen on half of the held-out documents; the scores below are of the other half alone")
    print_table([(loaded, done.folder)])
    say(f"model {done.model}\nscores and answers {done.folder}")


def _weights(text: str) -> list[float]:
    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError:
        weights = []
    if not weights or not all(0 <= weight <= 1.5 for weight in weights):
        raise LlimbaError(f"--weight {text}: give numbers from 0 (START) to 1 (TRAINED), e.g. --weight 0.5,0.7,0.9")
    return list(dict.fromkeys(weights))


def _choices(taken: Interpolation) -> Table:
    rendered = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    languages = [language for language in taken.table[0] if language != "weight"]
    for heading in ("weight", *languages, ""):
        rendered.add_column(heading, justify="right")
    for row in taken.table:
        ends = {0.0: "start", 1.0: "trained"}.get(row["weight"], "")
        said = "chosen" if row["weight"] == taken.weight else ends
        rendered.add_row(f"{row['weight']:g}", *(f"{row[language]:.3f}" for language in languages), said)
    return rendered
