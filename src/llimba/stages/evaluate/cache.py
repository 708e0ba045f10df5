"""A model is measured once: what it said is kept under `runs/systems/<fingerprint>/` for every recipe that asks next.

Five recipes that differ in instruction tuning share the base and the CPT model; without this each would be asked the
same questions five times. The fingerprint covers the model's bytes, everything it is asked and how, and the versions
and the device that answer, so only what would come out the same is taken from there. A killed run keeps the systems
that it has finished.
"""

import logging
import shutil
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from llimba.files import fingerprint, into_place, link, make_folder, read_json, sha256, write_json
from llimba.recipe import Recipe
from llimba.reports.evaluated import EvaluatedFolder
from llimba.reports.scores import SystemScores
from llimba.stages.evaluate import harness
from llimba.stages.evaluate.measure_model import Asked, measure_model

logger = logging.getLogger(__name__)

SCORES, ANSWERS = "scores.json", "hypotheses"  # in the folder of a model: its `SystemScores`, and what it said
ANSWERS_WITH = ("torch", "transformers", "lm_eval", "sacrebleu")  # other versions may give other digits
MEANING = 3  # raised when what `measure_model` returns or saves changes its meaning
NOT_ASKED = {"baselines", "decoding", "published"}  # of the section: columns of others


def cached_scores(
    recipe: Recipe, system: str, model: Path, asked: Asked, tasks: Path, folder: EvaluatedFolder, store: Path
) -> SystemScores:
    """The scores of the model folder `model`, measured now or found in `store`; its answers are linked into `folder`.

    `system` is the heading of its column and the beginning of its files' names. Another run that measures the same
    model is waited for.
    """
    place = store / _key(recipe, model, asked, tasks)
    make_folder(store)
    with FileLock(store / f".{place.name}.lock"):
        if place.exists():
            logger.info("  %s: scored before, taken from %s", system, place)
        else:
            partial = place.with_name(f"{place.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            logger.info("  scoring %s: %s", system, asked.amount(recipe.evaluate))
            found = measure_model(recipe, system, model, asked, tasks, partial / ANSWERS)
            write_json(partial / SCORES, found.model_dump(mode="json", exclude_defaults=True))
            into_place(partial, place)
    for path in sorted((place / ANSWERS).glob("*.jsonl")):
        link(path, folder.hypotheses / f"{system}.{path.name}")
    return SystemScores.model_validate(read_json(place / SCORES))


def _key(recipe: Recipe, model: Path, asked: Asked, tasks: Path) -> str:
    """Everything that can change what the model says or how it is judged."""
    return fingerprint(
        [
            MEANING,
            sha256(model),
            recipe.base_model.tokens.model_dump(mode="json"),
            recipe.evaluate.model_dump(mode="json", exclude=NOT_ASKED),
            {path.name: sha256(path) for path in sorted(tasks.glob("*.jsonl"))},
            recipe.profile.model_dump(mode="json"),
            {direction: [pair.texts for pair in pairs] for direction, pairs in asked.examples.items()},
            [asdict(instruction) for instruction in asked.instructions],
            [fact.model_dump() for fact in asked.facts],
            asked.identifier_digest,
            harness.choose_precision(recipe.evaluate.precision)[0],
            harness.device(),
            {package: version(package) for package in ANSWERS_WITH},
        ]
    )
