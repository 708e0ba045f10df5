"""The most restrictive of base model and data, and the conflicts that somebody must acknowledge."""

from pathlib import Path

import pytest

from llimba.errors import RecipeError
from llimba.recipe.licensing.derive import conflict, derive, known_base, license_rows
from tests.fakes import recipe, recipe_content

QWEN = "Qwen/Qwen2.5-3B-Instruct"


def test_apache_base_and_free_text() -> None:
    derived = derive([("a/b", "apache-2.0")], [("mine", "CC0-1.0")])
    assert derived.terms.license == "Apache-2.0"
    assert conflict(derived, None) is None
    assert conflict(derived, "mit") is None
    assert license_rows(derived.parts)[0] == ("base model a/b", "Apache-2.0", "attribution")


def test_a_research_base_declared_apache() -> None:
    derived = derive([(QWEN, "apache-2.0")], [("mine", "CC0-1.0")])
    assert derived.terms.license == "qwen-research"
    assert derived.because == f"base model {QWEN} (declared apache-2.0, published as qwen-research)"
    found = conflict(derived, "apache-2.0")
    assert found is not None
    assert "declared apache-2.0, but base model Qwen/Qwen2.5-3B-Instruct" in found
    assert conflict(derived, None) is not None
    assert conflict(derived, "qwen-research") is None
    assert known_base("Qwen/Qwen2.5-1.5B-Instruct") is None


@pytest.mark.parametrize(
    ("name", "license"),
    [
        ("google/gemma-4-E2B-it", "Apache-2.0"),
        ("google/gemma-3-270m", "gemma"),
        ("CohereLabs/tiny-aya-global", "CC-BY-NC-4.0"),
        ("swiss-ai/Apertus-8B-2509", "Apache-2.0"),
        ("utter-project/EuroLLM-1.7B-Instruct", "Apache-2.0"),
        ("BSC-LT/salamandra-2b", "Apache-2.0"),
        ("HuggingFaceTB/SmolLM3-3B", "Apache-2.0"),
        ("mistralai/Ministral-3-3B-Base-2512", "Apache-2.0"),
        ("Qwen/Qwen3-1.7B", "Apache-2.0"),
        ("lballore/llimba-3b-instruct-cpt", "qwen-research"),
    ],
)
def test_base_models_whose_licence_is_known(name: str, license: str) -> None:
    found = known_base(name)
    assert found is not None
    assert found.license == license
    assert derive([(name, license)], []).difference == ""


def test_a_licence_stricter_than_the_published_one_counts_and_both_are_named() -> None:
    derived = derive([("google/gemma-4-E2B-it", "gemma")], [])
    assert derived.terms.license == "gemma"
    assert derived.difference == "declared gemma, published as Apache-2.0"
    assert derived.difference in license_rows(derived.parts)[0][0]
    assert derive([("tests/tiny", "gemma")], []).difference == ""


def test_text_that_is_not_for_commerce() -> None:
    derived = derive([("a/b", "mit")], [("free", "CC-BY-4.0"), ("theirs", "CC-BY-NC-4.0")])
    found = conflict(derived, None)
    assert (
        found
        == "what the model may be used for is restricted: source theirs is CC-BY-NC-4.0 (attribution, non-commercial)"
    )
    assert "declared mit" in str(conflict(derived, "mit"))
    assert conflict(derived, "cc-by-nc-4.0") is None
    mixed = derive([(QWEN, "qwen-research")], [("theirs", "CC-BY-NC-SA-4.0")])
    assert mixed.terms.license == "qwen-research"
    assert {"non-commercial", "research-only", "share-alike"} <= set(mixed.asks)


def test_gpl_text_asks_for_more_than_an_apache_base() -> None:
    derived = derive([("a/b", "apache-2.0")], [("manual", "GPL-3.0-or-later")])
    assert derived.terms.license == "GPL-3.0-or-later"
    assert conflict(derived, None) is None  # nothing is forbidden: the card says GPL
    assert "declared apache-2.0, but source manual is GPL-3.0-or-later" in str(conflict(derived, "apache-2.0"))


def test_unknown_is_the_most_restrictive() -> None:
    derived = derive([("a/b", "apache-2.0")], [("found", "somewhere on the web")])
    assert derived.terms.rank == 8
    assert "source found is somewhere on the web (unknown)" in str(conflict(derived, None))
    assert conflict(derived, "unknown") is None


def test_a_recipe_in_conflict_is_refused_until_it_says_why(tmp_path: Path) -> None:
    sources = recipe_content(tmp_path)["sources"]
    sources["prose"]["license"] = "CC-BY-NC-4.0"
    with pytest.raises(
        RecipeError, match=r"publish\.license: what the model may be used for is restricted: source prose"
    ):
        recipe(tmp_path, sources=sources)
    with pytest.raises(RecipeError, match="at least 20 characters"):
        recipe(tmp_path, sources=sources, publish={"acknowledge": "yes"})
    words = "Its author gave us leave in writing on 3 May."
    accepted = recipe(tmp_path, sources=sources, publish={"license": "mit", "acknowledge": words})
    assert accepted.derived_license.terms.license == "CC-BY-NC-4.0"
    assert recipe(tmp_path, sources=sources, publish={"license": "cc-by-nc-4.0"}).publish.acknowledge is None


def test_text_that_is_only_scored_on_does_not_bind(tmp_path: Path) -> None:
    sources = recipe_content(tmp_path)["sources"]
    sources["scored"]["license"] = "CC-BY-NC-4.0"
    assert recipe(tmp_path, sources=sources).derived_license.terms.license == "MIT"
