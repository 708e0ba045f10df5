"""What a sweep was asked for: its arms, each a recipe with a value for every key that is varied, and their measure."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import yaml

from llimba.data_files.faults import shortened
from llimba.data_files.reading import parse
from llimba.errors import RecipeError
from llimba.pipeline import runner
from llimba.pipeline.step import Step
from llimba.pipeline.sweep.measure import Measure, choose_measure
from llimba.recipe import Recipe
from llimba.recipe.file import load_recipe

SEEDS = ("seed", "cpt.seed", "sft.seed")
SCORED = ("evaluate", "publish")  # stages up to which models are translated with and scored


class Arm(NamedTuple):
    """One combination: its name says what it differs in, e.g. demo[sft.learning_rate=1e-4,sft.seed=1]."""

    name: str
    group: str  # the name without its seeds: arms of one group differ in nothing else
    overrides: tuple[str, ...]  # as `llimba run --set` takes them
    differs: tuple[str, ...]  # those of them that are not the same in all arms
    recipe: Recipe

    @property
    def heading(self) -> str:
        """For a narrow column: a line for each key that differs, without its section."""
        parts = [override.partition("=") for override in self.differs]
        return "\n".join(f"{key.rpartition('.')[2]}={value}" for key, _, value in parts) or self.name


class Sweep(NamedTuple):
    """The arms, and what is to be done with each of them."""

    arms: Sequence[Arm]
    measure: Measure | None  # None where nothing is scored up to `until`
    runs: Path
    until: str

    @property
    def reason(self) -> str:
        """Why the arms are ranked as they are."""
        return self.measure.reason if self.measure else "nothing is scored up to here"

    def plan(self, arm: Arm) -> list[Step]:
        """The arm's plan of `until` and what it needs."""
        return runner.up_to(runner.plan(arm.recipe, self.runs), self.until)


def prepare_sweep(recipe: Path, options: Sequence[str], by: str | None, runs: Path, until: str) -> Sweep:
    """Check everything before any work; raises `RecipeError` for an option, a stage or a score that cannot be."""
    sweep = Sweep(make_arms(recipe, options), None, runs, until)
    first = sweep.arms[0]
    trains = {"cpt", "sft"} & {step.stage.name for step in sweep.plan(first)}
    return sweep._replace(measure=choose_measure(by, first.recipe, until)) if trains else sweep


def make_arms(path: Path, options: Sequence[str]) -> list[Arm]:
    """The cross product of all values; raises `RecipeError` for a combination that makes no valid recipe."""
    if not options:
        raise RecipeError("there is nothing to vary: give --set KEY=V1,V2, e.g. --set sft.learning_rate=1e-4,1e-3")
    varied: dict[str, list[str]] = {}
    for option in options:
        key, values = parse_values(option)
        if key in varied:
            raise RecipeError(f"--set {key} is given twice; write all its values behind one: --set {key}=A,B,C")
        varied[key] = values
    found = []
    for combination in product(*varied.values()):
        overrides = tuple(f"{key}={value}" for key, value in zip(varied, combination, strict=True))
        differs = tuple(o for o, key in zip(overrides, varied, strict=True) if len(varied[key]) > 1)
        try:
            recipe = load_recipe(path, overrides)
        except RecipeError as error:
            raise RecipeError(f"the arm {', '.join(overrides)} is not a valid recipe: {error}") from error
        name, group = _name(recipe, differs), _name(recipe, [o for o in differs if o.partition("=")[0] not in SEEDS])
        found.append(Arm(name, group, overrides, differs, recipe.model_copy(update={"name": name})))
    return found


def _name(recipe: Recipe, differs: Sequence[str]) -> str:
    return f"{recipe.name}[{','.join(differs)}]" if differs else recipe.name


def parse_values(option: str) -> tuple[str, list[str]]:
    """The key of one `--set`, and its values as they were written: a YAML list without its brackets.

    So a value with commas is quoted, and a list or mapping keeps its own brackets.
    """
    key, equals, text = option.partition("=")
    key = key.strip()
    if not equals or not key:
        raise RecipeError(f"--set {option}: write it as KEY=VALUE1,VALUE2, e.g. --set cpt.learning_rate=1e-4,3e-4")
    line = f"[{text}]"
    try:
        node, _ = parse(line)
    except ValueError as error:
        raise RecipeError(f"--set {shortened(option)}: {error}. Put a value that has commas in quotes.") from error
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise RecipeError(f"--set {option}: there is no value.")
    return key, list(dict.fromkeys(line[value.start_mark.index : value.end_mark.index] for value in node.value))
