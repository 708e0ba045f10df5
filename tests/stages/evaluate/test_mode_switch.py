"""Answers are told apart by paragraph; shares have intervals; sampling is the same twice."""

from pathlib import Path

import pytest

from llimba.errors import RecipeError
from llimba.languages.identify.identifier import Identifier
from llimba.recipe import ModeSwitch
from llimba.stages.evaluate.mode_switch import ProbeAnswer, language_of, probe, shares
from tests.fakes import recipe, recipe_content, tiny_model, tiny_tokenizer, write_text
from tests.languages.identify.test_identifier import lines


@pytest.fixture(scope="module")
def identifier() -> Identifier:
    return Identifier.train({code: lines(code, 200, 1) for code in ("sc", "it", "es")}, "sc", 1)


def test_an_answer_is_in_one_language_in_several_or_in_none(identifier: Identifier) -> None:
    sardinian, italian = "\n".join(lines("sc", 3, 8)), "\n".join(lines("it", 3, 8))
    assert language_of(sardinian, "sc", identifier) == "target"
    assert language_of(italian, "sc", identifier) == "it"
    assert language_of(f"{sardinian}\n{italian}", "sc", identifier) == "mixed"
    assert language_of("привет мир как дела", "sc", identifier) == "other"
    assert language_of("", "sc", identifier) == "other"


def test_a_model_that_switches_in_three_of_ten_answers_is_seen(identifier: Identifier) -> None:
    answers = [(lines("it", 2, n) if n % 10 < 3 else lines("sc", 2, n)) for n in range(60)]
    rows = [ProbeAnswer(0.6, 0, "p", "", language_of("\n".join(a), "sc", identifier)) for a in answers]
    found = shares(rows)[0.6]
    assert found.neighbours["it"].low <= 0.3 <= found.neighbours["it"].high
    assert found.target.low <= 0.7 <= found.target.high
    entries = [found.target, *found.neighbours.values(), found.mixed, found.unknown]
    assert sum(entry.share for entry in entries) == pytest.approx(1, abs=0.001)


def test_every_temperature_has_its_samples(identifier: Identifier) -> None:
    settings = ModeSwitch(temperatures=[0, 0.9], seeds=2, max_new_tokens=6)
    rows = probe(tiny_model().eval(), tiny_tokenizer(), ["a", "bb"], "sc", identifier, settings, "t")
    seen = [(row.temperature, row.seed) for row in rows]
    assert seen == [(0, 0), (0, 0), (0.9, 0), (0.9, 0), (0.9, 1), (0.9, 1)]
    assert shares(rows)[0.9].unknown.answers == 4


def test_the_probe_needs_an_identifier_and_prompts(tmp_path: Path) -> None:
    write_text(tmp_path)
    evaluate = {**recipe_content(tmp_path)["evaluate"], "mode_switch": {}}
    with pytest.raises(RecipeError, match="mode_switch: needs corpus.identify"):
        recipe(tmp_path, evaluate=evaluate)
    with pytest.raises(RecipeError, match="leave corpus.identifier out"):
        recipe(tmp_path, evaluate=evaluate, corpus={"identify": ["prose"], "identifier": str(tmp_path / "sc.txt")})
