"""The schema's own promises: bounds, switches, and what counts as a local input."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from llimba.errors import RecipeError
from llimba.recipe import CptSection, HubSource, ModelSection, Phase, Recipe, local_paths
from tests.fakes import recipe, recipe_content


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
    assert list(local_paths(ModelSection(name="a", license="x", folder=tmp_path))) == [tmp_path]


def test_a_training_stage_may_have_a_seed_of_its_own(tmp_path: Path) -> None:
    content = recipe_content(tmp_path)
    loaded: Recipe = recipe(tmp_path, seed=5, sft={**content["sft"], "seed": 0})
    assert loaded.cpt is not None
    assert (loaded.seed_of(loaded.cpt), loaded.seed_of(loaded.sft)) == (5, 0)


def test_a_loaded_recipe_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        recipe(tmp_path).seed = 1


HALVES: list[dict[str, Any]] = [{"share": 0.5, "mixture": {"sc": 1.0}}, {"share": 0.5, "mixture": {"pairs": 1.0}}]
PAIRS = {"directions": ["it-sc"]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"phases": HALVES}, "the section cpt.pairs does not say which"),
        ({"phases": HALVES, "pairs": PAIRS, "mixture": {"sc": 1.0}}, "leave cpt.mixture out"),
        ({"phases": HALVES[:1]}, r"the shares of phases must add up to 1 \(now 0.5\)"),
        ({"phases": [{"share": 1.0}]}, "every one of several phases needs a mixture"),
        ({"phases": [HALVES[0], {"max_tokens": 9, "mixture": {"sc": 1.0}}]}, "either a share each or max_tokens each"),
        ({"phases": [{"max_tokens": 9, "mixture": {"sc": 1.0}}], "max_tokens": 9}, "leave cpt.max_tokens out"),
        ({"phases": [{"share": 1.0, "mixture": {"sc": 0.9}}]}, r"the shares of phases.0.mixture must add up to 1"),
        ({"repeat": True}, "repeat needs max_tokens"),
    ],
)
def test_phases_that_cannot_be_are_refused_with_the_reason(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CptSection(**settings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mixture": {"it": 1.0}}, "cpt.mixture: gives no share to 'sc'"),
        ({"mixture": {"sc/nowhere": 1.0}}, "key 'sc/nowhere': 'nowhere' is neither a source nor human, mt, generated"),
        ({"pairs": {"directions": ["it-xx"]}}, "cpt.pairs.directions: 'it-xx' names 'xx'"),
        ({"pairs": {**PAIRS, "sources": ["nowhere"]}}, "cpt.pairs.sources: there is no source 'nowhere'"),
    ],
)
def test_mixtures_are_held_against_the_rest_of_the_recipe(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        recipe(tmp_path, cpt=changes)


def test_a_plain_mixture_is_one_phase(tmp_path: Path) -> None:
    plain = CptSection(mixture={"sc": 0.6, "it": 0.4}, max_tokens=100)
    assert [(phase.share, phase.mixture) for phase in plain.all_phases] == [(1.0, plain.mixture)]
    assert plain.epoch_tokens == 100
    counted = CptSection(phases=[Phase(max_tokens=n, mixture={"sc": 1.0}) for n in (30, 20)])
    assert counted.epoch_tokens == 50
    loaded = recipe(tmp_path, cpt={"mixture": {"sc/prose": 0.5, "sc/mt": 0.3, "it": 0.2}})
    assert loaded.cpt.all_phases[0].mixture["sc/prose"] == 0.5
