"""Stage 7, `publish`: the finished model folder with its card, curves and scores; the CPT checkpoint's the same way."""

import shutil
from dataclasses import asdict
from pathlib import Path

from llimba.errors import StageError
from llimba.files import link, read_json, replacing, write_json
from llimba.languages.profile import profile_path
from llimba.manifest import Json, read_manifest
from llimba.recipe import Recipe
from llimba.reports.evaluated import EvaluatedFolder
from llimba.reports.plots import forgetting, loss_curve, mode_switch
from llimba.reports.training_facts import TrainedFolder, TrainingFacts
from llimba.stages.folders import CorpusFolder, PublishedFolder
from llimba.stages.publish.adapter_card import adapter_base, adapter_card
from llimba.stages.publish.card import card
from llimba.stages.publish.corpus_card import corpus_card
from llimba.stages.publish.cpt_card import cpt_card
from llimba.stages.publish.eval_results import write_eval_results
from llimba.stages.publish.release import Release, releases

ADAPTER_CONFIG = "adapter_config.json"  # peft's name
TRAINED = {"continued pretraining": "cpt", "instruction tuning": "sft"}


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> Json:
    """Put each model with README.md, language profile, identifier, curves and scores into a folder of its own."""
    manifests = {}
    for stage, folder in inputs.items():
        manifest = read_manifest(folder)
        if manifest is None:
            raise StageError(f"publish: {folder} has lost its manifest. Run the recipe again to make the stage anew.")
        manifests[stage] = manifest
    scores = EvaluatedFolder(inputs["evaluate"]).scores()
    models = {stage: TrainedFolder(inputs[stage]).model for stage in recipe.trains}
    there = PublishedFolder(out)
    finished, *checkpoint = releases(recipe, manifests, scores, models)
    drawn = _fill(finished, inputs, there.model)
    for release in checkpoint:
        _fill(release, inputs, there.cpt)
    with replacing(out / "corpus-card.md") as handle:
        handle.write(corpus_card(recipe, manifests, finished.title))
    adapter = _adapter(TrainedFolder(inputs[finished.system]).adapter, there.adapter, finished)
    return {
        "title": finished.title,
        "corpus_card": "corpus-card.md",
        "adapter": adapter,
        "license": finished.license.license,
        "energy": asdict(finished.spent),
        "model": there.model.name,
        "cpt": there.cpt.name if checkpoint else None,
        "card": "model/README.md",
        "loss_curve": "model/loss.png",
        "forgetting": drawn,
    }


def _fill(release: Release, inputs: dict[str, Path], folder: Path) -> bool:
    """Fill one model folder; returns whether there was held-out text to draw."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(TrainedFolder(inputs[release.system]).model.iterdir()):
        link(file, folder / file.name)
    recipe, evaluated = release.recipe, EvaluatedFolder(inputs["evaluate"])
    shutil.copyfile(evaluated.scores_file, folder / evaluated.scores_file.name)
    shutil.copyfile(profile_path(recipe.language), folder / "language.yaml")  # words the prompts of chat and translate
    identifier = CorpusFolder(inputs["corpus"]).identifier_file
    if identifier.exists():
        link(identifier, folder / identifier.name)
    drawn = _draw(release, inputs, folder)
    write_eval_results(release, folder)
    with replacing(folder / "README.md") as handle:
        handle.write((cpt_card if release.system == "cpt" else card)(release))
    return drawn


def _draw(release: Release, inputs: dict[str, Path], folder: Path) -> bool:
    """The curves of the trainings that led to the model, and its languages over temperature where it was probed."""
    recipe, title = release.recipe, release.title
    trained = {name: stage for name, stage in TRAINED.items() if stage in release.manifests}
    loss_curve({name: TrainedFolder(inputs[stage]).metrics() for name, stage in trained.items()},
               folder / "loss.png", title)  # fmt: skip
    measured = {name: release.manifests[stage].facts_as(TrainingFacts).held_out for name, stage in trained.items()}
    if drawn := all(measured.values()):  # a recipe may have no held-out text
        codes = [code for code in next(iter(measured.values()))[0] if code != "step"]
        forgetting(
            measured, {code: recipe.profile.name(code, "en") for code in codes}, folder / "forgetting.png", title
        )
    if probed := {name: system.mode_switch for name, system in release.scores.systems.items() if system.mode_switch}:
        mode_switch(probed, folder / "mode_switch.png", title, release.language)
    return drawn


def _adapter(source: Path, out: Path, release: Release) -> bool:
    """The adapter with a config that names the model it was trained on by its id, not by a folder of this machine."""
    if not source.exists():
        return False
    out.mkdir(exist_ok=True)
    written_anew = {ADAPTER_CONFIG, "README.md"}  # peft's card names a folder of this machine, too
    for file in sorted(path for path in source.iterdir() if path.is_file() and path.name not in written_anew):
        link(file, out / file.name)
    config = read_json(source / ADAPTER_CONFIG)
    write_json(out / ADAPTER_CONFIG, config | {"base_model_name_or_path": adapter_base(release.recipe)})
    with replacing(out / "README.md") as handle:
        handle.write(adapter_card(release))
    return True
