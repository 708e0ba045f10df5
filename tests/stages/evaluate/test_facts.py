"""Questions with choices: the file is checked, the likeliest choice counts, sure and wrong is seen at its rate."""

import math
from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.files import write_jsonl
from llimba.stages.evaluate.facts import Fact, answered, knowledge, read_facts, task_rows
from tests import ROOT

SHIPPED = ROOT / "recipes" / "facts-sardinia.jsonl"
ROW = {"id": "a", "language": "sc", "question": "Cale?", "choices": ["ruju", "birde"], "answer": 1, "source": "s"}


def fact(**changes: object) -> Fact:
    return Fact.model_validate({**ROW, **changes})


def test_the_file_for_sardinia_is_sound() -> None:
    facts = read_facts(SHIPPED)
    assert {one.language for one in facts} == {"sc", "en"}
    assert all(one.source for one in facts)
    assert len(facts) == 56
    assert len(task_rows(facts, cloze=True)) == 8


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer": 2}, "row 1: .*answer 2 is none of the 2 choices"),
        ({"question": ""}, "give either question, or text with a gap"),
        ({"question": "", "text": "no gap"}, "text needs one gap"),
        ({"choices": ["a"]}, "choices"),
        ({"choices": ["a", "a"]}, "two choices are the same"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    write_jsonl(tmp_path / "facts.jsonl", [{**ROW, **changes}])
    with pytest.raises(StageError, match=said):
        read_facts(tmp_path / "facts.jsonl")


def test_missing_empty_and_repeated(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="there is no file"):
        read_facts(tmp_path / "facts.jsonl")
    (tmp_path / "facts.jsonl").write_text("")
    with pytest.raises(StageError, match="is empty"):
        read_facts(tmp_path / "facts.jsonl")
    write_jsonl(tmp_path / "facts.jsonl", [ROW, ROW])
    with pytest.raises(StageError, match="two rows of one id"):
        read_facts(tmp_path / "facts.jsonl")


def test_a_cloze_goes_on_to_the_end_of_its_text() -> None:
    (row,) = task_rows([fact(question="", text="Su sole est ___ in chelu.")], cloze=True)
    assert row["prompt"] + row["choices"][1] == "Su sole est birde in chelu."
    assert row["choices"][0] == " ruju in chelu."
    assert task_rows([fact()], cloze=False)[0]["choices"] == ["ruju", "birde"]


def test_confidence_is_the_share_of_the_probability() -> None:
    found = answered(fact(), [math.log(0.06), math.log(0.02)])
    assert (found.chosen, found.correct, found.confidence) == ("ruju", False, 0.75)
    assert answered(fact(), [-1e5, -1e5 + 1]).correct  # far below what a float can hold as a probability


def test_planted_rates_are_found() -> None:
    facts = [fact(id=str(n), language="sc" if n % 2 else "en") for n in range(100)]
    # 70 right, 20 wrong and sure, 10 wrong and unsure
    answers = [
        answered(one, [0.0, 2.0] if n < 70 else [3.0, 0.0] if n < 90 else [0.1, 0.0]) for n, one in enumerate(facts)
    ]
    found = knowledge(answers, facts)
    assert found.all.accuracy.share == 0.7
    assert found.all.confident_wrong.share == 0.2
    assert found.all.chance == 0.5
    assert found.by_language["sc"].accuracy.answers == 50
