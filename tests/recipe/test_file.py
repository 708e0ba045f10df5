"""Every fault of a recipe is found before any work and names its place; every shipped recipe is valid."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from llimba.errors import RecipeError
from llimba.languages.profile import PROFILES
from llimba.recipe import LocalSource, local_paths
from llimba.recipe.file import load_recipe
from tests import ROOT

RECIPES = sorted([*(ROOT / "recipes").glob("*.yaml"), *(ROOT / "benchmarks/results/levers").glob("*.yaml")])

MINIMAL: dict[str, Any] = {
    "language": "srd",
    "base_model": {"name": "tiny", "license": "mit", "folder": "base"},
    "sources": {"mine": {"kind": "local", "path": "text.txt", "language": "sc", "license": "CC0-1.0"}},
}

APERTIUM: dict[str, Any] = {"engine": "apertium", "source_language": "it", "route": ["ita-srd"]}


def write(folder: Path, content: dict[str, Any], name: str = "r.yaml") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path: Path) -> None:
    assert load_recipe(path).profile.code == "sc"


def test_the_apache_twin_differs_in_base_model_and_licence_alone() -> None:
    twin, original = (load_recipe(ROOT / "recipes" / f"sardinian-{name}.yaml") for name in ("apache", "3b"))
    same = {"name", "base_model", "publish"}
    assert twin.model_dump(exclude=same) == original.model_dump(exclude=same)
    assert twin.derived_license.parts[0].terms.license == "Apache-2.0"
    assert twin.derived_license.terms.license == "CC-BY-NC-SA-4.0"
    assert original.derived_license.terms.license == "qwen-research"


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
        ({"sources": ["a"]}, ["r.yaml:6: sources: expected a section of keys (given: ['a'])"]),
        ({"sources": {"a": None}}, ["sources.a: expected a section of keys (given: None)"]),
        ({"base_model": 3}, ["r.yaml:2: base_model: expected a section of keys (given: 3)"]),
        ({"seed": "2024-01-01"}, ["seed: Input should be a valid integer"]),
        ({"cpt": {"learning_rate": float("nan")}}, ["cpt.learning_rate: Input should be a finite number"]),
        ({"corpus": {"executor": {"worker": 1}}}, ["corpus.executor.worker: ", "Did you mean 'workers'?"]),
        ({"corpus": {"executor": {"xyz": 1}}}, ["Known here: kind, options, workers."]),
        (
            {"sources": {"local": {**MINIMAL["sources"]["mine"], "lang": "x"}}},
            ["r.yaml:12: sources.local.lang: there is no such key. Did you mean 'language'?"],
        ),
        (
            {"evaluate": {"directions": ["it-sc"], "baselines": {"apertium": {"it-sc": {**APERTIUM, "rout": 1}}}}},
            ["r.yaml:22: evaluate.baselines.apertium.it-sc.rout: there is no such key. Did you mean 'route'?"],
        ),
        (
            {"evaluate": {"baselines": {"x": {"it-sc": {**APERTIUM, "engine": "apertum"}}}}},
            ["evaluate.baselines.x.it-sc: there is no engine 'apertum'. Did you mean 'apertium'?"],
        ),
        (
            {"instruct": {"back_translate": {"into": ["it"], "engine": {"engine": "nllb", "source_cod": "x"}}}},
            ["instruct.back_translate.engine.source_cod: there is no such key. Did you mean 'source_code'?"],
        ),
        ({"path": "x"}, ["path: there is no such key"]),
        ({"base_model": {"license": "mit", "folder": "x"}}, ["r.yaml:2: base_model.name: is missing; add it."]),
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


def test_faults_between_sections_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    content = {**MINIMAL, "corpus": {"exempt": ["absent"]}, "evaluate": {"directions": ["en-xx"], "norm_tag": "none"}}
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, content))
    lines = [line.removeprefix(str(tmp_path / "r.yaml")) for line in str(caught.value).splitlines()]
    assert [line.split(": ")[:2] for line in lines] == [
        [":13", "corpus.exempt"], [":16", "evaluate.directions"], [":18", "evaluate.norm_tag"]
    ]  # fmt: skip


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


def test_null_turns_off_what_it_can_turn_off_in_an_extended_recipe_too(tmp_path: Path) -> None:
    write(tmp_path, {**MINIMAL, "cpt": {"warmup_steps": 7}, "corpus": {"near_duplicates": 0.5}}, "parent.yaml")
    child = write(tmp_path, {"extends": "parent.yaml", "sft": None, "corpus": {"near_duplicates": None}})
    recipe = load_recipe(child)
    assert recipe.sft is None
    assert recipe.corpus.near_duplicates is None
    assert (recipe.trains, recipe.runs("instruct"), recipe.runs("cpt")) == (["cpt"], False, True)


def test_a_recipe_trains_something_and_sft_has_conversations(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="sft: nothing would be trained: sft is null and there is no cpt section"):
        load_recipe(write(tmp_path, {**MINIMAL, "sft": None}))
    with pytest.raises(RecipeError, match="instruct: sft learns from what instruct makes"):
        load_recipe(write(tmp_path, {**MINIMAL, "instruct": None}))
    assert load_recipe(write(tmp_path, {**MINIMAL, "cpt": {}, "sft": None, "instruct": None})).trains == ["cpt"]


def test_the_faults_of_a_profile_are_lines_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text((PROFILES / "srd.yaml").read_text() + "one: 1\ntwo: 2\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, {**MINIMAL, "language": "own.yaml"}))
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{tmp_path / 'r.yaml'}:1: language: {tmp_path / 'own.yaml'}:")
    assert "one: there is no such key" in lines[0]


def test_another_kind_or_engine_replaces_the_old_one_whole(tmp_path: Path) -> None:
    write(tmp_path, {**MINIMAL, "instruct": {"translate": {"mine": APERTIUM}}}, "parent.yaml")
    nllb = {"engine": "nllb", "source_language": "it", "source_code": "ita_Latn"}
    web = {"kind": "web", "path": "pages", "language": "sc", "license": "x"}
    change = {"extends": "parent.yaml", "sources": {"mine": web}, "instruct": {"translate": {"mine": nllb}}}
    recipe = load_recipe(write(tmp_path, {**change, "publish": {"license": "unknown"}}))
    assert recipe.sources["mine"].kind == "web"
    assert recipe.instruct.translate["mine"].engine == "nllb"


def test_a_fault_in_the_extended_recipe_names_its_file(tmp_path: Path) -> None:
    write(tmp_path, {**MINIMAL, "corpus": {"min_wordz": 3}}, "parent.yaml")
    with pytest.raises(RecipeError, match=r"parent.yaml:13: corpus.min_wordz: .* Did you mean 'min_words'"):
        load_recipe(write(tmp_path, {"extends": "parent.yaml", "corpus": {"min_words": 3}}))


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        (5, "r.yaml:1: extends: expected the path of another recipe (given: 5)"),
        (".", "cannot be read: Is a directory"),
        ("r.yaml", "itself extends another recipe"),
        (
            "profile.yaml",
            "profile.yaml is not a recipe: none of its keys (code, iso639_3, names) is one of name, language",
        ),
    ],
)
def test_what_cannot_be_extended(tmp_path: Path, extends: object, message: str) -> None:
    write(tmp_path, {"code": "sc", "iso639_3": "srd", "names": {}}, "profile.yaml")
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, {"extends": extends}))
    assert message in str(caught.value)


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
        ("cpt={learning_rat: 1}", "--set: cpt.learning_rat: there is no such key"),
        ("cpt.x.y=1", "--set: cpt.x: there is no such key"),
        ("evaluate.languages.0=x", "'languages' is a list: set it whole"),
        ("a..b=1", "write it as KEY=VALUE"),
        ("\ud800=1", "write it as KEY=VALUE"),
        ("cpt.seed=[", "--set cpt.seed=\\[: not valid YAML"),
    ],
)
def test_set_faults(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(write(tmp_path, {**MINIMAL, "seed": 1, "evaluate": {"languages": ["sc"]}}), [override])


def test_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, MINIMAL))
    source = recipe.sources["mine"]
    assert isinstance(source, LocalSource)
    assert source.path == tmp_path / "text.txt"
    assert list(local_paths(recipe.sources)) == [tmp_path / "text.txt"]


def test_every_path_of_every_section_is_relative_to_its_file(tmp_path: Path) -> None:
    """Also where the schema nests it, and where the parent says what kind of section it is."""
    (tmp_path / "parent" / "tables").mkdir(parents=True)
    table = "title: t\nsource: s\nconditions: c\nsentences: 3\nsystems: {x: {it-sc: {bleu: 1}}}\n"
    (tmp_path / "parent" / "tables" / "t.yaml").write_text(table)
    (tmp_path / "own.yaml").write_text((PROFILES / "srd.yaml").read_text())
    engine = {**APERTIUM, "prefix": "debian"}
    model = {"engine": "model", "folder": "m"}
    content = {
        **MINIMAL,
        "corpus": {"identifier": "m.bin"},
        "instruct": {"translate": {"mine": engine}, "back_translate": {"into": ["it"], "engine": model}},
        "sft": {"method": "lora", "adapter": "~/adapter"},
        "evaluate": {
            "directions": ["it-sc"],
            "facts": "facts.jsonl",
            "published": ["llimba-3b", "tables/t.yaml"],
            "baselines": {"apertium": {"it-sc": engine}},
        },
    }
    write(tmp_path / "parent", content, "parent.yaml")
    change = {"extends": "parent/parent.yaml", "language": "own.yaml", "sources": {"mine": {"path": "mine.txt"}}}
    recipe = load_recipe(write(tmp_path, change))
    parent = tmp_path / "parent"
    assert recipe.language == str(tmp_path / "own.yaml")
    assert recipe.base_model.folder == parent / "base"
    assert recipe.sources["mine"].path == tmp_path / "mine.txt"
    assert recipe.corpus.identifier == parent / "m.bin"
    assert recipe.instruct.translate["mine"].prefix == parent / "debian"
    assert recipe.instruct.back_translate.engine.folder == parent / "m"
    assert recipe.sft.adapter == Path.home() / "adapter"
    assert recipe.evaluate.facts == parent / "facts.jsonl"
    assert recipe.evaluate.published == ["llimba-3b", str(parent / "tables/t.yaml")]
    assert recipe.evaluate.baselines["apertium"]["it-sc"].prefix == parent / "debian"
    assert load_recipe(recipe.path, ["corpus.identifier=~/x"]).corpus.identifier == Path.home() / "x"
    assert load_recipe(recipe.path, ["corpus.identifier=x"]).corpus.identifier == Path("x")
    # what it decides is what its fingerprint covers: Apertium's folder decides nothing
    assert list(local_paths(recipe.instruct)) == [parent / "m"]
    assert list(local_paths(recipe.evaluate)) == [parent / "tables/t.yaml", parent / "facts.jsonl"]


@pytest.mark.parametrize(("value", "mode"), [("off", "off"), ("on", "step-exact"), ("leaky", "leaky")])
def test_packing_reads_yamls_switches(tmp_path: Path, value: str, mode: str) -> None:
    assert load_recipe(write(tmp_path, MINIMAL), [f"cpt.packing={value}"]).cpt.packing == mode


def test_a_missing_recipe_suggests_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL, "demo.yaml")
    with pytest.raises(RecipeError, match=r"Did you mean .*demo\.yaml"):
        load_recipe(tmp_path / "dem.yaml")


def test_a_recipe_that_extends_is_one_however_little_of_it_is_known(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL, "parent.yaml")
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, {"extends": "parent.yaml", "corups": {}, "seedd": 1}))
    assert "Did you mean 'corpus'?" in str(caught.value)
    assert "is not a recipe" not in str(caught.value)
