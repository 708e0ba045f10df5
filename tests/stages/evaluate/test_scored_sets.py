"""Every scored sentence and text is counted under the source that it came from."""

from pathlib import Path

from llimba.recipe.file import load_recipe
from llimba.records import Document
from llimba.reports.scores import ScoredSet
from llimba.stages.evaluate.scored_sets import scored_sets
from tests.fakes import pair
from tests.recipe.published_scores.test_table import with_flores


def test_sets(tmp_path: Path) -> None:
    loaded = with_flores(tmp_path, revision="v2", subset="main")
    rows = {"it-sc": [pair(n, it="a", sc="b") for n in range(4)], "sc-it": [pair(9, it="a", sc="b")]}
    object.__setattr__(rows["it-sc"][0], "source", "prose")
    for one in (*rows["it-sc"][1:], *rows["sc-it"]):
        object.__setattr__(one, "source", "flores")
    text = Document(id="d", text="t", language="sc", source="prose", license="x", provenance="p", role="evaluate")
    found = scored_sets(loaded, rows, {"sc": [text]})
    assert found == {
        "prose": ScoredSet(held_out=True, sentences={"it-sc": 1}, documents={"sc": 1}),
        "flores": ScoredSet(
            dataset="lballore/llimba-flores-srd-eval", subset="main", split="test", revision="v2",
            sentences={"it-sc": 3, "sc-it": 1},
        ),
    }  # fmt: skip
    fewer = load_recipe(loaded.path, ["evaluate.max_sentences=2"])
    assert scored_sets(fewer, rows, {})["flores"].partly
    assert scored_sets(with_flores(tmp_path, split="test[:9]"), rows, {})["flores"].partly
