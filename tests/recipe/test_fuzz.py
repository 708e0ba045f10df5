"""A few hundred mutated recipes, and that the ones grown from the schema reach all of it."""

import random
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from llimba.data_files.schema import Shape
from llimba.recipe import Recipe
from llimba.recipe.section import Section
from tests.recipe.fuzz import fuzz, grown
from tests.recipe.test_defaults import sections


def test_every_mutated_recipe_loads_or_is_refused_with_a_place(tmp_path: Path) -> None:
    ends = fuzz(600, 2, tmp_path)
    assert min(ends["loaded"], ends["refused with a place"]) > 20


def test_grown_recipes_reach_every_field() -> None:
    """What the walk never reaches is never fuzzed, and no path in it is made relative to its file."""
    chance, reached = random.Random(1), set()

    def note(shape: Shape, value: Any) -> None:
        if isinstance(value, dict):
            inner = shape.chosen(value.get(shape.tag)) if shape.tag else shape
            if isinstance(inner.type, type) and issubclass(inner.type, BaseModel):
                reached.update((inner.type, key) for key in value)
            for key, item in value.items():
                note(inner.at(key), item)
        if isinstance(value, list):
            for index, item in enumerate(value):
                note(shape.at(index), item)

    for _ in range(60):
        note(Shape.of(Recipe), grown(Shape.of(Recipe), chance, 1.0))
    families = [one for one in sections(Section) if not sections(one)[1:] or one is Section]
    wanted = {(one, key) for one in families for key in one.model_fields}
    assert not {f"{one.__name__}.{key}" for one, key in wanted - reached}
