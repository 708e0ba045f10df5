"""A model between two finished folders: chosen by half of the held-out text, scored on the other half next to both."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from llimba.errors import LlimbaError
from llimba.files import fingerprint, into_place, sha256, write_json
from llimba.pipeline import runner
from llimba.recipe import Recipe
from llimba.records import Document
from llimba.reports.training_facts import Interpolation
from llimba.stages.evaluate.harness import choose_precision
from llimba.stages.evaluate.stage import SYSTEMS, score_models
from llimba.stages.folders import CorpusFolder
from llimba.stages.interpolation.choosing_text import split_held_out


class Interpolated(NamedTuple):
    """The weight taken, with the reason, and where the model and the scores are."""

    taken: Interpolation  # its table is empty where one weight was asked for
    model: Path
    folder: Path  # scores.json, hypotheses/ and choice.json


def interpolate_folders(
    recipe: Recipe, start: Path, trained: Path, weights: Sequence[float], tolerance: float, runs: Path, out: Path | None
) -> Interpolated:
    """Write a model at every weight, score all of them, keep the best one at `out`; runs the corpus first if needed.

    Raises `LlimbaError` where a folder holds no model, the result exists already or the disk has no room.
    """
    from llimba.training.interpolation.weights import Between

    for folder in (start, trained):
        if not (folder / "config.json").exists():
            raise LlimbaError(f"{folder} is no model folder (it holds no config.json).")
    corpus = runner.run_stage(recipe, runs, "corpus")
    between = Between(start, trained)
    digests = [sha256(path) for folder in (start, trained) for path in sorted(folder.glob("*.safetensors"))]
    asked = [digests, weights, tolerance, corpus.fingerprint, recipe.evaluate.model_dump(mode="json")]
    place = runs / "interpolations" / fingerprint(asked)
    model = out or place / "model"
    if model.exists():
        raise LlimbaError(f"{model} already exists. Remove it, or give another --out.")
    folders = {weight: place / "weights" / f"{weight:g}" for weight in weights}
    _check_room(trained, len(weights), place)
    for weight, folder in folders.items():
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            between.write(weight, partial)
            into_place(partial, folder)
    taken = Interpolation(weight=weights[0], reason="the only one asked for")
    held_out = reported = CorpusFolder(corpus.folder)
    if len(weights) > 1:
        reported = CorpusFolder(place / "reported")
        taken = _choose(recipe, start, trained, weights, tolerance, split_held_out(held_out, reported))
    systems = {"base": start, **{f"weight {w:g}": folder for w, folder in folders.items()}, "trained": trained}
    score_models(recipe, reported, systems, place, runs / SYSTEMS)
    model.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folders[taken.weight], model)
    shutil.rmtree(place / "weights")
    write_json(place / "choice.json", taken.model_dump(include={"weight", "reason", "table"}))
    return Interpolated(taken, model, place)


def _choose(
    recipe: Recipe, start: Path, trained: Path, weights: Sequence[float], tolerance: float, documents: list[Document]
) -> Interpolation:
    """The weight that the documents like best."""
    from llimba.training.interpolation.choice import measure_and_choose
    from llimba.training.settings import resolve_for

    precision, _ = choose_precision(recipe.evaluate.precision)
    changed = {"interpolate_tolerance": tolerance, "precision": precision}
    settings = recipe.first_training.model_copy(update=changed)
    resolved = resolve_for(trained, settings)
    max_bytes = 4 * sum(len(document.text.encode()) for document in documents)  # every document counts in full
    tokens, target = recipe.base_model.tokens, recipe.profile.code
    return measure_and_choose(start, trained, weights, documents, max_bytes, settings, resolved, tokens, target)


def _check_room(trained: Path, count: int, place: Path) -> None:
    """Raise `LlimbaError` where the disk cannot hold a model for every weight."""
    place.mkdir(parents=True, exist_ok=True)
    needed = count * sum(path.stat().st_size for path in trained.rglob("*") if path.is_file())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise LlimbaError(
            f"{count} models need {needed / 2**30:.1f} GiB, and {place} has {free / 2**30:.1f} GiB free. Give fewer "
            "weights, or another disk with --runs."
        )
