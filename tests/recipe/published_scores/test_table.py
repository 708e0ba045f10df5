"""A wrong table is named by file, line and key before any work; one of the very sentences comes by itself."""

from pathlib import Path
from typing import Any

import pytest

from llimba.errors import RecipeError
from llimba.recipe.file import load_recipe
from llimba.recipe.published_scores.table import read_published
from tests import ROOT
from tests.fakes import recipe, recipe_content

FLORES = {
    "kind": "hub", "dataset": "lballore/llimba-flores-srd-eval", "split": "test", "yields": "pairs",
    "license": "CC-BY-SA-4.0", "role": "evaluate",
}  # fmt: skip
MINE = "title: t\nsource: s\nconditions: c\nsentences: 3\nsystems: {x: {it-sc: {bleu: 1}}}\n"


def with_flores(folder: Path, base: str = "tests/tiny", evaluate: dict[str, Any] | None = None, **more: Any) -> Any:
    """A recipe that scores the published sentences."""
    content = recipe_content(folder)
    sources = {name: of for name, of in content["sources"].items() if name != "scored"}
    return recipe(
        folder,
        base_model={**content["base_model"], "name": base},
        sources={**sources, "flores": FLORES | more},
        evaluate={**content["evaluate"], **(evaluate or {})},
        publish={"license": "qwen-research"},
    )


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    assert read_published(str(path)).systems == {"x": {"it-sc": {"bleu": 1.0}}}
    loaded = recipe(tmp_path, evaluate={"directions": ["it-sc"], "published": ["mine.yaml"]})
    assert [table.title for table in loaded.published] == ["t"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINE.replace("sentences: 3", "sentences: many"), r"mine\.yaml:4: sentences: .*integer"),
        (MINE.replace("bleu", "blue"), r"mine\.yaml:5: systems\.x\.it-sc\.blue"),
        (MINE.replace("source: s\n", ""), r"mine\.yaml: source: is missing"),
        (MINE + "sauce: s\n", r"mine\.yaml:6: sauce: there is no such key\. Did you mean 'source'"),
        ("title: [\n", r"mine\.yaml:2: not valid YAML"),
        ("- a\n", r"mine\.yaml is a list, not a table of published scores"),
    ],
)
def test_a_wrong_one_is_named_by_file_line_and_key(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(RecipeError, match=said) as caught:
        read_published(str(tmp_path / "mine.yaml"))
    assert "pydantic" not in str(caught.value)
    with pytest.raises(RecipeError, match=r"small\.yaml:\d+: evaluate\.published\.0: .*mine\.yaml"):
        recipe(tmp_path, evaluate={"directions": ["it-sc"], "published": ["mine.yaml"]})


def test_a_name_that_nothing_has(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"there is no table 'llimba'\. Shipped: llimba-3b"):
        recipe(tmp_path, evaluate={"directions": ["it-sc"], "published": ["llimba"]})


def test_the_table_of_the_sentences_that_are_scored_comes_by_itself(tmp_path: Path) -> None:
    assert [table.title for table in with_flores(tmp_path).published] == ["LLiMba-3B"]
    for few in ({"evaluate": {"max_sentences": 16}}, {"evaluate": {"max_words": 20}}, {"max_documents": 9}):
        assert not with_flores(tmp_path, **few).published, few
        same_base = with_flores(tmp_path, base="Qwen/Qwen2.5-3B-Instruct", **few)
        assert len(same_base.published) == 1, "the published recipe, cut to a budget"
    assert not with_flores(tmp_path, split="train").published
    assert not with_flores(tmp_path, dataset="somebody/sentences").published
    assert not recipe(tmp_path).published
    assert len(with_flores(tmp_path, evaluate={"published": ["llimba-3b"]}).published) == 1, "once"


@pytest.mark.parametrize("name", ["llimba-3b", "llimba-3b-full", "own-sft", "sardinian-3b"])
def test_shipped_recipes_that_stand_beside_it(name: str) -> None:
    assert [table.title for table in load_recipe(ROOT / "recipes" / f"{name}.yaml").published] == ["LLiMba-3B"]


def test_a_demo_does_not() -> None:
    assert not load_recipe(ROOT / "recipes" / "demo-hub.yaml").published
