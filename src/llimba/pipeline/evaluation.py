"""Any model folder or hub id scored on a recipe's held-out text, without training it."""

from pathlib import Path

from llimba.files import fingerprint
from llimba.models.base_model import base_folder
from llimba.pipeline import runner
from llimba.recipe import ModelSection, Recipe
from llimba.reports.evaluated import EvaluatedFolder
from llimba.stages.evaluate.stage import SYSTEMS, score_models
from llimba.stages.folders import CorpusFolder


def evaluate_model(model: str, recipe: Recipe, runs: Path, out: Path | None) -> EvaluatedFolder:
    """Score `model`, a folder or a hub id, next to a copy of the source; runs sources and corpus first if needed."""
    local = Path(model)
    place = {"folder": local.resolve()} if local.is_dir() else {"hub": model}
    section = ModelSection.model_validate({"name": model, "license": "unknown", **place})
    corpus = runner.run_stage(recipe, runs, "corpus")
    asked = [model, corpus.fingerprint, recipe.evaluate.model_dump(mode="json")]
    folder = out or runs / "evaluations" / f"{local.name}-{fingerprint(asked)}"
    models = {"model": base_folder(section)}
    score_models(recipe, CorpusFolder(corpus.folder), models, folder, runs / SYSTEMS)
    return EvaluatedFolder(folder)
