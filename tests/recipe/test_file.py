"""Every fault of a recipe is found before any work and names its place; every shipped recipe is valid."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from llimba.errors import RecipeError
from llimba.recipe import LocalSource, local_paths
from llimba.recipe.file import load_recipe
from tests import ROOT

RECIPES = sorted([*(ROOT / "recipes").glob("*.yaml"), *(ROOT / "benchmarks/results/levers").glob("*.yaml")])

MINIMAL: dict[str, Any] = {
    "language": "srd",
    "base_model": {"name": "tiny", "license": "mit", "folder": "base"},
    "sources": {"mine": {"kind": "local", "path": "text.txt", "language": "sc", "license": "CC0-1.0"}},
}


def write(folder: Path, content: dict[str, Any], name: str = "r.yaml") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path: Path) -> None:
    assert load_recipe(path).profile.code == "sc"


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ({"cpt": {"learning_ratee": 1}}, ["r.yaml:13: cpt.learning_ratee", "Did you mean 'learning_rate'?"]),
        ({"corups": {}}, ["corups", "Did you mean 'corpus'?"]),
        ({"cpt": {"learning_rate": "fast"}}, ["cpt.learning_rate", "'fast'"]),
        ({"cpt": {"mixture": {"sc": 0.5, "it": 0.2}}}, ["cpt", "add up to 1 (now 0.7)"]),
        ({"cpt": {"mixture": {"it": 1.0}}}, ["gives no share to 'sc'"]),
        ({"language": "sdr"}, ["no profile 'sdr'", "Did you mean 'srd'?"]),
        ({"base_model": {"name": "x", "license": "mit"}}, ["exactly one of hub, folder and wheel (now: none)"]),
        ({"base_model": {"name": "x", "license": "mit", "wheel": "a==1"}}, ["also needs file", "sha256"]),
        ({"evaluate": {"directions": ["en-xx"]}}, ["'en-xx' names 'xx'"]),
        ({"sources": {"a": {"kind": "lokal", "license": "x"}}}, ["sources.a", "'lokal'"]),
        (
            {"sources": {"a": {"kind": "local", "path": "x", "license": "x"}}},
            ["sources.a: documents need a language: set language"],
        ),
        ({"sources": {}}, ["sources is empty"]),
    ],
)
def test_faults_name_their_place(tmp_path: Path, change: dict[str, Any], messages: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, {**MINIMAL, **change}))
    for message in messages:
        assert message in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, {**MINIMAL, "seedd": 1, "corpus": {"min_wordz": 2}}))
    assert len(str(caught.value).splitlines()) == 2


def test_extends_merges_sections_and_null_removes(tmp_path: Path) -> None:
    write(tmp_path, {**MINIMAL, "cpt": {"learning_rate": 1e-3, "warmup_steps": 7}}, "parent.yaml")
    other = {"kind": "local", "path": "other.txt", "language": "sc", "license": "CC0-1.0"}
    child = write(
        tmp_path, {"extends": "parent.yaml", "sources": {"mine": None, "other": other}, "cpt": {"warmup_steps": 9}}
    )
    recipe = load_recipe(child)
    assert (recipe.cpt.learning_rate, recipe.cpt.warmup_steps) == (1e-3, 9)
    assert list(recipe.sources) == ["other"]
    assert recipe.name == "r"


def test_extends_goes_one_level(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL, "a.yaml")
    write(tmp_path, {"extends": "a.yaml"}, "b.yaml")
    with pytest.raises(RecipeError, match="only one level"):
        load_recipe(write(tmp_path, {"extends": "b.yaml"}, "c.yaml"))


@pytest.mark.parametrize(
    ("override", "value"),
    [("cpt.learning_rate=1e-4", 1e-4), ("cpt.learning_rate=0.5", 0.5), ("cpt.learning_rate=1.5E-3", 1.5e-3)],
)
def test_set_overrides_with_yaml_values(tmp_path: Path, override: str, value: float) -> None:
    assert load_recipe(write(tmp_path, MINIMAL), [override]).cpt.learning_rate == value


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("cpt.learning_rate", "write it as KEY=VALUE"),
        ("seed.x=1", "'seed' is a value"),
        ("cpt.learning_rat=1", "--set: cpt.learning_rat: there is no such key"),
    ],
)
def test_set_faults(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(write(tmp_path, {**MINIMAL, "seed": 1}), [override])


def test_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, MINIMAL))
    source = recipe.sources["mine"]
    assert isinstance(source, LocalSource)
    assert source.path == tmp_path / "text.txt"
    assert list(local_paths(recipe.sources)) == [tmp_path / "text.txt"]


@pytest.mark.parametrize(("value", "mode"), [("off", "off"), ("on", "step-exact"), ("leaky", "leaky")])
def test_packing_reads_yamls_switches(tmp_path: Path, value: str, mode: str) -> None:
    assert load_recipe(write(tmp_path, MINIMAL), [f"cpt.packing={value}"]).cpt.packing == mode


def test_a_missing_recipe_suggests_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL, "demo.yaml")
    with pytest.raises(RecipeError, match=r"Did you mean .*demo\.yaml"):
        load_recipe(tmp_path / "dem.yaml")
