"""Planted failures are found at their planted rates, and good answers show none."""

import random
from typing import Any

import pytest

from llimba.languages.identify.identifier import Identifier
from llimba.reports.evaluated import SavedAnswer
from llimba.reports.scores import FAULTS, Fault
from llimba.stages.evaluate.behaviour import behaviour, faults, scripts, share
from tests.fakes import SENTENCES
from tests.languages.identify.test_identifier import lines

SAMPLES = 400


@pytest.fixture(scope="module")
def identifier() -> Identifier:
    return Identifier.train({code: lines(code, 200, 1) for code in ("sc", "it", "es")}, "sc", 1)


def answer(text: str, **more: Any) -> SavedAnswer:
    row = {"id": "1", "source": SENTENCES["en"][0], "reference": SENTENCES["sc"][0], "stopped": True}
    return SavedAnswer.model_validate({**row, "hypothesis": text, **more})


def test_planted_rates_lie_in_the_intervals(identifier: Identifier) -> None:
    """A stand-in for a model that answers in Italian in 30 %, leaks Cyrillic in 5 % and does not stop in 10 %."""
    chance = random.Random(3)
    good, italian = lines("sc", SAMPLES, 5), lines("it", SAMPLES, 6)
    answers = []
    planted: dict[Fault, int] = {"wrong_language": 0, "other_script": 0, "no_end": 0}
    for mine, theirs in zip(good, italian, strict=True):
        wrong, leak, endless = (chance.random() < rate for rate in (0.30, 0.05, 0.10))
        text = theirs if wrong else mine
        answers.append(answer(f"{text} жук" if leak else text, stopped=not endless))
        for kind, here in zip(planted, (wrong, leak, endless), strict=True):
            planted[kind] += here
    found = behaviour({"en-sc": faults(answers, "sc", identifier)}).all
    for kind, rate in zip(planted, (0.30, 0.05, 0.10), strict=True):
        entry = found[kind]
        assert entry.low <= planted[kind] / SAMPLES <= entry.high, (kind, entry, planted)
        assert entry.low - 0.03 <= rate <= entry.high + 0.03
    assert (found["other_script"].share, found["no_end"].share) == (
        round(planted["other_script"] / SAMPLES, 4), round(planted["no_end"] / SAMPLES, 4)
    )  # fmt: skip


def test_copies_loops_and_silence() -> None:
    source = "The sun rises from the sea every morning"
    answers = [answer(source.upper()), answer("sa domo est manna " * 6), answer(" "), answer(SENTENCES["sc"][0])]
    found = faults(answers, "sc")
    assert found["copy"] == [True, False, False, False]
    assert found["loop"] == [False, True, False, False]
    assert found["empty"] == [False, False, True, False]
    assert "wrong_language" not in found


def test_what_the_raw_answer_loops_in_counts_though_its_first_line_does_not() -> None:
    assert faults([answer("bene", raw="bene\n" + "ammustra como totu cantu " * 9)], "sc")["loop"] == [True]


def test_scripts_and_shares() -> None:
    assert scripts("Su sole 12, жук ª º") == {"LATIN", "CYRILLIC"}
    half = share([True, False] * 10)
    assert (half.share, half.answers) == (0.5, 20)
    assert half.low == pytest.approx(0.299, abs=0.001)  # Wilson's, by hand
    assert half.high == pytest.approx(0.701, abs=0.001)
    assert share([]).answers == 0


def test_directions_are_kept_apart_and_together() -> None:
    one = faults([answer("bene")], "sc")
    found = behaviour({"en-sc": one, "it-sc": faults([answer(""), answer("x")], "sc")})
    assert found.by_direction["it-sc"]["empty"].share == 0.5
    assert (found.all["empty"].share, found.all["empty"].answers) == (0.3333, 3)
    assert list(found.all) == [fault for fault in FAULTS if fault != "wrong_language"]
