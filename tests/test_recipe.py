"""The schema's own promises: bounds, switches, and what counts as a local input."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from llimba.recipe import BaseModelSection, CptSection, HubSource, Recipe, local_paths
from tests.fakes import recipe


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": 0},
        {"documents_per_step": 0},
        {"sequence_length": 1},
        {"packing": "sometimes"},
        {"mixture": {"sc": 0.9}},
    ],
)
def test_values_out_of_bounds_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CptSection(**settings)


def test_a_hub_source_of_documents_must_say_its_language() -> None:
    with pytest.raises(ValidationError, match="documents need a language"):
        HubSource(kind="hub", dataset="a/b", license="x")
    assert HubSource(kind="hub", dataset="a/b", license="x", columns={"language": "lang"}).language is None


def test_local_paths_finds_every_input(tmp_path: Path) -> None:
    loaded: Recipe = recipe(tmp_path)
    assert {path.name for path in local_paths(loaded.sources)} == {"sc.txt", "it.txt", "train.jsonl", "dev.jsonl"}
    assert list(local_paths(BaseModelSection(name="a", license="x", folder=tmp_path))) == [tmp_path]


def test_a_loaded_recipe_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        recipe(tmp_path).seed = 1
