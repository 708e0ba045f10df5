"""`llimba interpolate`: a model between two finished folders, chosen by held-out text and scored beside both."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from llimba.cli.app import Runs, Set, app, stdout
from llimba.cli.compare import print_table
from llimba.errors import LlimbaError
from llimba.pipeline import runner
from llimba.recipe.file import load_recipe


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

    Half of the held-out text chooses, the scores rest on the other half.
    """
    from llimba.files import fingerprint, sha256, write_json
    from llimba.stages.evaluate.harness import choose_precision
    from llimba.stages.evaluate.stage import SYSTEMS, score_models
    from llimba.stages.folders import CorpusFolder
    from llimba.stages.interpolation.aside import halve
    from llimba.training.interpolation.choice import chosen
    from llimba.training.interpolation.weights import Between

    weights = _weights(weight)
    for folder in (start, trained):
        if not (folder / "config.json").exists():
            raise LlimbaError(f"{folder} is no model folder (it holds no config.json).")
    loaded = load_recipe(recipe, set_ or [])
    corpus = next(step for step in runner.run(loaded, runs, until="corpus") if step.stage.name == "corpus")
    between = Between(start, trained)
    digests = [sha256(path) for folder in (start, trained) for path in sorted(folder.glob("*.safetensors"))]
    asked = [digests, weights, tolerance, corpus.fingerprint, loaded.evaluate.model_dump(mode="json")]
    place = runs / "interpolations" / fingerprint(asked)
    model = out or place / "model"
    if model.exists():
        raise LlimbaError(f"{model} is there already. Remove it, or give another --out.")
    folders = {f"weight {number:g}": place / "weights" / f"{number:g}" for number in weights}
    _room(trained, len(weights), place)
    for number, folder in zip(weights, folders.values(), strict=True):
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            between.write(number, partial)
            partial.rename(folder)
    best, reason, rows = weights[0], "the only one asked for", list[dict[str, float]]()
    reported = CorpusFolder(corpus.folder)
    if len(weights) > 1:
        reported = CorpusFolder(place / "reported")
        choosing = halve(CorpusFolder(corpus.folder), reported)
        settings = (loaded.cpt or loaded.sft).model_copy(update={"interpolate_tolerance": tolerance})
        size = 4 * sum(len(document.text.encode()) for document in choosing)  # all of it, whole
        precision, _ = choose_precision(loaded.evaluate.precision)
        tokens, target = loaded.base_model.tokens, loaded.profile.code
        best, reason, rows, _ = chosen(start, trained, weights, choosing, size, settings, tokens, precision, target)
        stdout.print("bits per byte ↓ of the text to choose by")
        stdout.print(_choices(rows, best))
        stdout.print(f"weight {best:g}: {reason}", markup=False, soft_wrap=True)
        stdout.print("chosen on half of the held-out documents; what follows rests on the other half alone")
    systems = {"base": start, **folders, "trained": trained}
    score_models(loaded, reported, systems, place, runs / SYSTEMS)
    print_table([(loaded, place)])
    model.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folders[f"weight {best:g}"], model)
    shutil.rmtree(place / "weights")
    write_json(place / "choice.json", {"weight": best, "reason": reason, "table": rows})
    stdout.print(f"model {model}\nscores and answers {place}", markup=False, soft_wrap=True)


def _weights(text: str) -> list[float]:
    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError:
        weights = []
    if not weights or not all(0 <= weight <= 1.5 for weight in weights):
        raise LlimbaError(f"--weight {text}: give numbers from 0 (START) to 1 (TRAINED), e.g. --weight 0.5,0.7,0.9")
    return list(dict.fromkeys(weights))


def _room(trained: Path, count: int, place: Path) -> None:
    """Refuse where the disk cannot hold a model for every weight."""
    place.mkdir(parents=True, exist_ok=True)
    needed = count * sum(path.stat().st_size for path in trained.rglob("*") if path.is_file())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise LlimbaError(
            f"{count} models need {needed / 2**30:.1f} GiB, and {place} has {free / 2**30:.1f} GiB free. Give fewer "
            "weights, or another disk with --runs."
        )


def _choices(rows: list[dict[str, float]], best: float) -> Table:
    rendered = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    languages = [language for language in rows[0] if language != "weight"]
    for heading in ("weight", *languages, ""):
        rendered.add_column(heading, justify="right")
    for row in rows:
        ends = {0.0: "start", 1.0: "trained"}.get(row["weight"], "")
        said = "chosen" if row["weight"] == best else ends
        rendered.add_row(f"{row['weight']:g}", *(f"{row[language]:.3f}" for language in languages), said)
    return rendered
