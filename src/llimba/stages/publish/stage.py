"""Stage 7, `publish`: the finished model folder with its card, its curves and scores."""

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
from llimba.stages.folders import CorpusFolder
from llimba.stages.publish.card import card, published_license
from llimba.stages.publish.corpus_card import corpus_card
from llimba.stages.publish.energy import estimate_energy

ADAPTER_CONFIG = "adapter_config.json"  # peft's name
TRAINED = {"continued pretraining": "cpt", "instruction tuning": "sft"}


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> Json:
    """Put the SFT model, README.md, language profile, identifier, curves and scores into `model/`."""
    manifests = {}
    for stage, folder in inputs.items():
        manifest = read_manifest(folder)
        if manifest is None:
            raise StageError(f"publish: {folder} has lost its manifest. Run the recipe again to make the stage anew.")
        manifests[stage] = manifest
    evaluated = EvaluatedFolder(inputs["evaluate"])
    scores = evaluated.scores()
    model = out / "model"
    model.mkdir(parents=True, exist_ok=True)
    for file in sorted(TrainedFolder(inputs["sft"]).model.iterdir()):
        link(file, model / file.name)
    shutil.copyfile(evaluated.scores_file, model / evaluated.scores_file.name)
    shutil.copyfile(profile_path(recipe.language), model / "language.yaml")  # words the prompts of chat and translate
    identifier = CorpusFolder(inputs["corpus"]).identifier_file
    if identifier.exists():
        link(identifier, model / identifier.name)
    title = recipe.publish.title or f"{recipe.base_model.name.rpartition('/')[2]}-{recipe.profile.iso639_3}"
    trained = {stage: name for stage, name in TRAINED.items() if name in inputs}
    curves = {stage: TrainedFolder(inputs[name]).metrics() for stage, name in trained.items()}
    loss_curve(curves, model / "loss.png", title)
    measured = {stage: manifests[name].facts_as(TrainingFacts).held_out for stage, name in trained.items()}
    if drawn := all(measured.values()):  # a recipe may have no held-out text
        codes = [code for code in next(iter(measured.values()))[0] if code != "step"]
        names = {code: recipe.profile.name(code, "en") for code in codes}
        forgetting(measured, names, model / "forgetting.png", title)
    if probed := {name: system.mode_switch for name, system in scores.systems.items() if system.mode_switch}:
        mode_switch(probed, model / "mode_switch.png", title, recipe.profile.name(recipe.profile.code, "en"))
    spent = estimate_energy(recipe, manifests)
    with replacing(model / "README.md") as handle:
        handle.write(card(recipe, manifests, scores, title, spent))
    with replacing(out / "corpus-card.md") as handle:
        handle.write(corpus_card(recipe, manifests, title))
    adapter = _adapter(TrainedFolder(inputs["sft"]).adapter, out / "adapter", recipe)
    return {
        "title": title,
        "corpus_card": "corpus-card.md",
        "adapter": adapter,
        "license": published_license(recipe).license,
        "energy": asdict(spent),
        "model": "model",
        "card": "model/README.md",
        "loss_curve": "model/loss.png",
        "forgetting": drawn,
    }


def _adapter(source: Path, out: Path, recipe: Recipe) -> bool:
    """The adapter with a config that names the base model as the hub does, not a folder of this machine."""
    if not source.exists():
        return False
    out.mkdir(exist_ok=True)
    written_anew = {ADAPTER_CONFIG, "README.md"}  # peft's card names a folder of this machine, too
    for file in sorted(path for path in source.iterdir() if path.is_file() and path.name not in written_anew):
        link(file, out / file.name)
    config = read_json(source / ADAPTER_CONFIG)
    after_cpt = " after this recipe's continued pretraining" if recipe.cpt else ""
    write_json(out / ADAPTER_CONFIG, config | {"base_model_name_or_path": f"{recipe.base_model.name}{after_cpt}"})
    return True
