"""What the arms of a sweep are ranked by: one number of each, read from its stages' folders.

Bits per byte of the language to be learned unless something else is asked for: it is smooth, uses every token and moves
long before BLEU does. The choice is made on the held-out set, so the winner's own score is a little too good; report it
on another set.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple, cast

from llimba.errors import RecipeError
from llimba.recipe import Recipe
from llimba.recipe.published_scores.table import Metric
from llimba.reports.evaluated import EvaluatedFolder
from llimba.reports.training_facts import TrainedFolder

FORM = re.compile(r"(bits_per_byte|bleu|chrf|chrfpp):([\w-]+)(?:@(\w+))?")


class Measure(NamedTuple):
    """One number of an arm: metric, language or direction, and of which model."""

    metric: Metric | Literal["bits_per_byte"]
    what: str  # a language, or a direction
    system: str  # cpt | sft
    reason: str
    by_training: bool  # measured by the training stage itself at its end, where nothing is evaluated

    @property
    def name(self) -> str:
        """As `--by` takes it."""
        return f"{self.metric}:{self.what}@{self.system}"

    @property
    def arrow(self) -> str:
        """Whether less is better, or more."""
        return "↓" if self.metric == "bits_per_byte" else "↑"

    def rank(self, score: float | None) -> float:
        """For sorting, best first; an arm without a score, or with none that is a number, is last."""
        if score is None or math.isnan(score):
            return float("inf")
        return score if self.metric == "bits_per_byte" else -score

    def read(self, folders: Mapping[str, Path]) -> float | None:
        """The number, from the folders of an arm's finished stages; None where it was not measured."""
        if self.by_training:
            facts = TrainedFolder(folders[self.system]).facts()
            return facts.held_out[-1].get(self.what) if facts is not None and facts.held_out else None
        system = EvaluatedFolder(folders["evaluate"]).scores().systems.get(self.system)
        if system is None:
            return None
        if self.metric == "bits_per_byte":
            table = system.translation_bits_per_byte if "-" in self.what else system.bits_per_byte
            return table[self.what].value if self.what in table else None
        score = system.translation[self.what].score(self.metric) if self.what in system.translation else None
        return score.value if score else None


def choose_measure(by: str | None, recipe: Recipe, until: str) -> Measure:
    """What `--by` asks for, checked against the recipe; by default bits per byte of the language to be learned."""
    by_training = until in ("cpt", "sft")
    trained = until if by_training else recipe.trains[-1]
    settings = recipe.evaluate
    if by is None:
        if recipe.profile.code not in settings.languages:
            raise RecipeError(
                f"evaluate.languages has no '{recipe.profile.code}' to rank the arms by: add it, or say --by, e.g. "
                "--by chrf:en-sc"
            )
        why = "the default: it uses every token of the held-out text and moves before BLEU and chrF do"
        by = f"bits_per_byte:{recipe.profile.code}"
    else:
        why = "as --by asks"
    form = FORM.fullmatch(by)
    if form is None:
        raise RecipeError(
            f"--by {by}: write it as METRIC:LANGUAGE or METRIC:DIRECTION, e.g. bits_per_byte:sc, chrf:en-sc"
        )
    metric, what, system = cast(Metric | Literal["bits_per_byte"], form[1]), form[2], form[3] or trained
    known = settings.languages if metric == "bits_per_byte" else settings.directions
    if metric == "bits_per_byte" and settings.translation_bits_per_byte and not by_training:
        known = [*known, *settings.directions]
    if what not in known:
        raise RecipeError(f"--by {by}: the recipe's evaluate section has {', '.join(known) or 'none'}, not '{what}'.")
    if by_training and metric != "bits_per_byte":
        raise RecipeError(
            f"--by {by}: up to --until {until} nothing is translated; only bits_per_byte:LANGUAGE is known."
        )
    there = recipe.trains
    if system not in (there[: there.index(until) + 1] if by_training else there):
        raise RecipeError(f"--by {by}: there is no model '{system}' to score; there are {', '.join(there)}.")
    if by_training:
        why += f"; as {system} itself measured it at its end (eval_max_bytes a language)"
    return Measure(metric, what, system, why, by_training)
