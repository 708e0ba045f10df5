"""What the tests of cards share: manifests of a whole run, and the releases that are made of them."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from llimba.manifest import Manifest
from llimba.reports.scores import Scores
from llimba.stages.publish.release import Release, releases
from tests.fakes import manifest, training_facts
from tests.reports.scores import SCORES

TRAINING = training_facts(held_out=[{"step": 0, "sc": 3.0, "it": 2.0}, {"step": 40, "sc": 1.8, "it": 2.1}])


def manifests(recipe: Any) -> dict[str, Manifest]:
    """Of every stage that the recipe runs."""
    given = {"documents": 5, "pairs": 6, "conversations": 0}
    balance = {"read": 0, "kept": 0, "evaluation": 0, "rejected": {}}
    label = {"source": "mine", "license": "CC0-1.0", "language": "sc", "norm": "", "origin": "human", "documents": 2}
    facts = {
        "sources": {"sources": {}},
        "corpus": {
            "counts": {**dict.fromkeys(("documents", "pairs", "conversations"), balance), "lines_removed": {}},
            "words": {"train": {"sc": 1234}, "held_out": {}},
            "sources": {
                "mine": {"license": "CC0-1.0", "role": "train", **given, "words": {"sc": 1234}},
                "eval": {"license": "MIT", "role": "evaluate", **dict.fromkeys(given, 0), "words": {}},
            },
            "documents": [
                {**label, "variety": "lsc", "words": 1111, "bytes": 9000},
                {**label, "variety": "", "words": 123, "bytes": 900},
            ],
            "lengths": {},
            "contamination": {"evaluation_sentences": 77, "hits_removed": 8, "surviving": 0},
        },
        "instruct": {"conversations": 321},
        "cpt": TRAINING,
        "sft": TRAINING,
        "evaluate": SCORES.model_dump(mode="json"),
    }
    return {
        stage: manifest(
            stage,
            facts=copy.deepcopy(found),
            section={} if stage == "sources" else getattr(recipe, stage).model_dump(mode="json"),
        )
        for stage, found in facts.items()
        if stage == "sources" or recipe.runs(stage)
    }


def released(
    recipe: Any, system: str = "sft", scores: Scores = SCORES, made: dict[str, Manifest] | None = None
) -> Release:
    """The release of one of the recipe's models, which chats."""
    found = releases(recipe, made or manifests(recipe), scores, dict.fromkeys(recipe.trains, Path("none")))
    return replace(next(one for one in found if one.system == system), chats=True)
