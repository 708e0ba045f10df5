"""Columns beside our models: a do-nothing copy, other engines on the same sentences, and scores that others published.

Published scores are shown as they were published. They come from another prompt and often from other sentences, so
nothing is paired with them; the table that holds them says where they come from and under which conditions
(`recipe/published_scores`).
"""

import logging
from collections.abc import Iterable

from llimba.errors import Unavailable, set_at
from llimba.languages.prompts import split_direction
from llimba.models.translators.engine import translate_all
from llimba.models.translators.engines import open_engine
from llimba.recipe import Recipe
from llimba.recipe.published_scores.table import Published
from llimba.records import Pair
from llimba.reports.evaluated import EvaluatedFolder, SavedAnswer
from llimba.reports.scores import Score, SystemScores, Translation
from llimba.stages.evaluate.metrics import save_and_score

logger = logging.getLogger(__name__)


def published_scores(tables: Iterable[Published], directions: list[str]) -> dict[str, SystemScores]:
    """Their scores in the form of ours, by heading, in the recipe's directions."""
    found = {}
    for table in tables:
        for heading, scores in table.systems.items():
            asked = {
                direction: Translation(
                    sentences=table.sentences,
                    **{metric: Score(value=value) for metric, value in scores[direction].items()},
                )
                for direction in directions
                if direction in scores
            }
            if asked:
                found[heading] = SystemScores(translation=asked, published=True)
    return found


def copy_scores(rows: dict[str, list[Pair]], folder: EvaluatedFolder) -> SystemScores:
    """The baseline that does nothing: the source is the hypothesis."""
    translation = {}
    for direction, pairs in rows.items():
        source, _ = split_direction(direction)
        answers = [SavedAnswer.of(pair, direction, pair.texts[source]) for pair in pairs]
        translation[direction] = save_and_score(folder.answers_file("copy", direction), answers)
    return SystemScores(translation=translation)


def engine_scores(recipe: Recipe, rows: dict[str, list[Pair]], folder: EvaluatedFolder) -> dict[str, SystemScores]:
    """Other systems that the recipe names; one that this machine lacks is left out with a warning."""
    found = {}
    for heading, engines_by_direction in recipe.evaluate.baselines.items():
        translation = {}
        for direction, settings in engines_by_direction.items():
            source, _ = split_direction(direction)
            pairs = rows[direction]
            try:
                with set_at(f"evaluate.baselines.{heading}.{direction}"):
                    engine = open_engine(settings, recipe.profile, None)
                    said = translate_all(engine, [pair.texts[source] for pair in pairs])
            except Unavailable as error:
                logger.warning("  left out: %s", error)
                continue
            answers = [
                SavedAnswer.of(pair, direction, one.text, engine=engine.name)
                for pair, one in zip(pairs, said, strict=True)
            ]
            translation[direction] = save_and_score(folder.answers_file(heading, direction), answers)
        if translation:
            found[heading] = SystemScores(translation=translation)
    return found
