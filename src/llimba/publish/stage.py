"""Stage 7, `publish`: the finished model folder with its card, loss curve and scores."""

import os
import shutil
from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.files import read_json, read_jsonl, replacing
from llimba.manifest import read_manifest
from llimba.publish.card import card
from llimba.publish.plots import loss_curve
from llimba.recipe import Recipe


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Put the SFT model, README.md, loss.png and scores.json into `model/`."""
    manifests = {}
    for stage, folder in inputs.items():
        manifest = read_manifest(folder)
        if manifest is None:
            raise StageError(f"publish: {folder} has lost its manifest. Run the recipe again to make the stage anew.")
        manifests[stage] = manifest
    scores = read_json(inputs["evaluate"] / "scores.json")
    model = out / "model"
    model.mkdir(parents=True, exist_ok=True)
    for file in sorted((inputs["sft"] / "model").iterdir()):
        _link(file, model / file.name)
    shutil.copyfile(inputs["evaluate"] / "scores.json", model / "scores.json")
    title = recipe.publish.title or f"{recipe.base_model.name.rpartition('/')[2]}-{recipe.profile.iso639_3}"
    names = {"cpt": "continued pretraining", "sft": "instruction tuning"}
    curves = {
        name: list(read_jsonl(inputs[stage] / "metrics.jsonl")) for stage, name in names.items() if stage in inputs
    }
    loss_curve(curves, model / "loss.png", title)
    with replacing(model / "README.md") as handle:
        handle.write(card(recipe, manifests, scores, title))
    return {"title": title, "model": "model", "card": "model/README.md", "loss_curve": "model/loss.png"}


def _link(source: Path, target: Path) -> None:
    """A hard link where the file system has them: a second copy of the weights helps nobody."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
