"""What arms are ranked by: the default with its reason, what a recipe cannot answer is refused."""

from pathlib import Path

import pytest

from llimba.errors import RecipeError
from llimba.manifest import write_manifest
from llimba.pipeline.sweep.measure import choose_measure
from llimba.reports.evaluated import EvaluatedFolder
from tests.fakes import manifest, recipe, recipe_content, training_facts
from tests.reports.scores import SCORES, bits, changed, translated


def test_the_default_is_the_language_to_be_learned_and_says_why(tmp_path: Path) -> None:
    found = choose_measure(None, recipe(tmp_path), "evaluate")
    assert (found.name, found.arrow, found.by_training) == ("bits_per_byte:sc@sft", "↓", False)
    assert "moves before BLEU" in found.reason
    by_training = choose_measure(None, recipe(tmp_path), "cpt")
    assert (by_training.name, by_training.by_training) == ("bits_per_byte:sc@cpt", True)


def test_less_is_better_only_for_bits_per_byte(tmp_path: Path) -> None:
    bits, chrf = (choose_measure(by, recipe(tmp_path), "publish") for by in ("bits_per_byte:it@cpt", "chrf:it-sc"))
    assert sorted([1.5, None, 1.2], key=bits.rank) == [1.2, 1.5, None]
    assert sorted([30.0, None, 40.0], key=chrf.rank) == [40.0, 30.0, None]
    assert sorted([float("nan"), 2.0], key=bits.rank)[0] == 2.0  # a model that diverged


def test_the_number_is_read_from_what_the_stages_left(tmp_path: Path) -> None:
    scores = changed(SCORES, "cpt", bits_per_byte={"sc": bits(1.7)}, translation={})
    scores = changed(scores, "sft", bits_per_byte={"sc": bits(1.5)}, translation=translated(chrf=31.0))
    scores = changed(scores, "sft", translation_bits_per_byte={"it-sc": bits(1.3)})
    EvaluatedFolder(tmp_path / "evaluate").write(scores)
    held_out = [{"step": 0, "sc": 3.0}, {"step": 9, "sc": 2.0}]
    write_manifest(tmp_path / "cpt", manifest("cpt", facts=training_facts(held_out=held_out)))
    folders = {name: tmp_path / name for name in ("evaluate", "cpt")}
    asked = {
        "chrf:it-sc": 31.0,
        "bits_per_byte:sc@cpt": 1.7,
        "bits_per_byte:sc": 1.5,
        "bleu:it-sc": None,
        "chrf:it-sc@cpt": None,
    }
    for by, value in asked.items():
        assert choose_measure(by, recipe(tmp_path), "evaluate").read(folders) == value
    assert choose_measure(None, recipe(tmp_path), "cpt").read(folders) == 2.0
    references = recipe(tmp_path, evaluate={**recipe_content(tmp_path)["evaluate"], "translation_bits_per_byte": True})
    assert choose_measure("bits_per_byte:it-sc", references, "evaluate").read(folders) == 1.3


@pytest.mark.parametrize(
    ("by", "until", "message"),
    [
        ("chrf", "evaluate", "METRIC:LANGUAGE"),
        ("bits_per_byte:en", "evaluate", "has sc, it, not 'en'"),
        ("chrf:en-sc", "evaluate", "has it-sc, sc-it, not 'en-sc'"),
        ("chrf:it-sc", "cpt", "nothing is translated"),
        ("bits_per_byte:sc@base", "evaluate", "no model 'base'"),
        ("bits_per_byte:sc@sft", "cpt", "no model 'sft'"),
    ],
)
def test_what_cannot_be_scored_is_refused(tmp_path: Path, by: str, until: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        choose_measure(by, recipe(tmp_path), until)


def test_without_the_language_in_evaluate_something_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="say --by"):
        choose_measure(None, recipe(tmp_path, evaluate={"languages": ["it"]}), "evaluate")
