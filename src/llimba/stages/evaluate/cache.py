"""A model is scored once: what it said is kept under `runs/systems/<fingerprint>/`, whatever recipe asks for it next.

Five recipes that differ in instruction tuning share the base and the CPT model; without this each would be asked the
same questions five times. The fingerprint covers the model's bytes, everything it is asked and how, and the versions
and the device that answer, so only what would come out the same is taken from there. A killed run keeps the systems
that it has finished.
"""

import logging
import shutil
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from llimba.files import fingerprint, link, read_json, sha256, sync_folder, write_json
from llimba.recipe import Recipe
from llimba.stages.evaluate import harness
from llimba.stages.evaluate.measure_model import Asked, score

logger = logging.getLogger(__name__)

ANSWERS_WITH = ("torch", "transformers", "lm_eval", "sacrebleu")  # other versions may give other digits
MEANING = 1  # raised when what `score` returns or saves changes its meaning
NOT_ASKED = {"baselines", "decoding", "published"}  # of the section: columns of others


def scored_once(
    recipe: Recipe, system: str, folder: Path, asked: Asked, tasks: Path, out: Path, store: Path
) -> dict[str, Any]:
    """The scores of the model in `folder`, made now or found in `store`; its answers stand under `out/hypotheses`.

    `system` is the heading of its column and the beginning of its files' names. Another run that scores the same model
    is waited for.
    """
    place = store / _key(recipe, folder, asked, tasks)
    store.mkdir(parents=True, exist_ok=True)
    with FileLock(store / f".{place.name}.lock"):
        if place.exists():
            logger.info("  %s: scored before, taken from %s", system, place)
        else:
            partial = place.with_name(f"{place.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            logger.info("  scoring %s: %s", system, asked.amount(recipe.evaluate))
            started = time.monotonic()
            found = score(recipe, system, folder, asked, tasks, partial)
            write_json(partial / "scores.json", found | {"seconds": round(time.monotonic() - started, 1)})
            sync_folder(partial)
            partial.rename(place)
            sync_folder(store)
    for path in sorted((place / "hypotheses").glob("*.jsonl")):
        link(path, out / "hypotheses" / f"{system}.{path.name}")
    scores: dict[str, Any] = read_json(place / "scores.json")
    return scores


def _key(recipe: Recipe, folder: Path, asked: Asked, tasks: Path) -> str:
    """Everything that can change what the model says or how it is judged."""
    return fingerprint(
        [
            MEANING,
            sha256(folder),
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
