"""Columns beside our models: a do-nothing copy, other engines on the same sentences, and scores that others published.

Published scores are shown as they were published. They come from another prompt, another split and other sentences, so
nothing is paired with them; where they come from and under which conditions stands in the file that holds them.
"""

import logging
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from llimba.errors import RecipeError, Unavailable, set_at
from llimba.files import write_jsonl
from llimba.languages.prompts import split_direction
from llimba.models.translators.engines import open_engine
from llimba.recipe import Recipe
from llimba.records import Pair
from llimba.stages.evaluate.metrics import translation_scores

logger = logging.getLogger(__name__)

HYPOTHESES = "hypotheses"  # the folder of the saved answers: SYSTEM.DIRECTION.jsonl
PUBLISHED = Path(__file__).parent / "published"


class Published(BaseModel):
    """A file of published scores; `published/llimba-3b.yaml` explains the fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    source: str
    conditions: str
    sentences: int
    systems: dict[str, dict[str, dict[str, float]]]  # heading -> direction -> bleu, chrf, chrfpp


def published(names: list[str]) -> dict[str, Published]:
    """The tables that `evaluate.published` names: shipped ones by name, others by the path of a YAML file."""
    found = {}
    for name in names:
        path = Path(name) if name.endswith((".yaml", ".yml")) else PUBLISHED / f"{name}.yaml"
        try:
            found[name] = Published.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            shipped = ", ".join(sorted(p.stem for p in PUBLISHED.glob("*.yaml")))
            raise RecipeError(
                f"evaluate.published: there is no table '{name}'. Shipped: {shipped}; or give the path of a YAML file."
            ) from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
            raise RecipeError(f"evaluate.published: {path} is not a table of published scores: {error}") from error
    return found


def published_systems(tables: dict[str, Published], directions: list[str]) -> dict[str, Any]:
    """Their scores in the form of ours, by heading, in the recipe's directions."""
    found = {}
    for table in tables.values():
        for heading, scores in table.systems.items():
            asked = {
                direction: scores[direction] | {"sentences": table.sentences, "published": True}
                for direction in directions
                if direction in scores
            }
            if asked:
                found[heading] = {"translation": asked}
    return found


def copy(rows: dict[str, list[Pair]], out: Path) -> dict[str, Any]:
    """The baseline that does nothing: the source is the hypothesis."""
    translation = {}
    for direction, chosen in rows.items():
        source, _ = split_direction(direction)
        answers = [asked(pair, direction) | {"hypothesis": pair.texts[source]} for pair in chosen]
        translation[direction] = saved_scores(out / HYPOTHESES / f"copy.{direction}.jsonl", answers)
    return {"translation": translation}


def engines(recipe: Recipe, rows: dict[str, list[Pair]], out: Path) -> dict[str, Any]:
    """Other systems that the recipe names; one that this machine lacks is left out and said."""
    found: dict[str, Any] = {}
    for heading, engines_by_direction in recipe.evaluate.baselines.items():
        translation = {}
        for direction, settings in engines_by_direction.items():
            source, _ = split_direction(direction)
            chosen = rows[direction]
            try:
                with set_at(f"evaluate.baselines.{heading}.{direction}"):
                    engine = open_engine(settings, recipe.profile, None)
                    said = engine.translate([pair.texts[source] for pair in chosen])
            except Unavailable as error:
                logger.warning("  left out: %s", error)
                continue
            answers = [
                asked(pair, direction) | {"hypothesis": translation.text, "engine": engine.name}
                for pair, translation in zip(chosen, said, strict=True)
            ]
            translation[direction] = saved_scores(out / HYPOTHESES / f"{heading}.{direction}.jsonl", answers)
        if translation:
            found[heading] = {"translation": translation}
    return found


def asked(pair: Pair, direction: str) -> dict[str, str]:
    """What every saved answer repeats of its sentence."""
    source, target = split_direction(direction)
    return {"id": pair.id, "source": pair.texts[source], "reference": pair.texts[target]}


def saved_scores(path: Path, answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Save the answers of one direction and score them."""
    write_jsonl(path, answers)
    return translation_scores([a["hypothesis"] for a in answers], [a["reference"] for a in answers])
