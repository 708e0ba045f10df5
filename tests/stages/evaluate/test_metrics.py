"""Known answers: the references score 100, a copy scores what sacrebleu says, bits are bits."""

import math
import random
import subprocess
import sys
from pathlib import Path

import pytest
import sacrebleu

from llimba.records import Document
from llimba.reports.scores import BitsPerByte, Metric, Score
from llimba.stages.evaluate.metrics import (
    Likelihood,
    bits_by_label,
    bits_difference,
    bits_interval,
    bits_per_byte,
    score_translations,
    signatures,
)
from tests.fakes import SENTENCES


def value(score: Score | None) -> float:
    assert score is not None
    return score.value


def test_references_score_100_and_others_as_sacrebleu_says() -> None:
    perfect = score_translations(SENTENCES["sc"], SENTENCES["sc"])
    assert (value(perfect.bleu), value(perfect.chrf), perfect.sentences) == (100, 100, 10)
    copy = score_translations(SENTENCES["it"], SENTENCES["sc"])
    assert value(copy.bleu) == pytest.approx(sacrebleu.corpus_bleu(SENTENCES["it"], [SENTENCES["sc"]]).score, abs=0.01)
    assert value(copy.chrf) == pytest.approx(sacrebleu.corpus_chrf(SENTENCES["it"], [SENTENCES["sc"]]).score, abs=0.01)
    assert 0 < value(copy.chrf) < 50


def test_bits_per_byte() -> None:
    found = bits_per_byte([Likelihood(-8 * math.log(2), 4, 3), Likelihood(-4 * math.log(2), 2, 1)])
    assert found == BitsPerByte(value=2.0, perplexity=8.0, documents=2, bytes=6, tokens=4)


def test_bits_per_byte_by_label_only_where_a_label_tells_texts_apart() -> None:
    documents = [
        Document(id=str(n), text="t", language="sc", source="s", license="x", provenance="p", norm=norm)
        for n, norm in enumerate(("is", "", "is"))
    ]
    found = bits_by_label(documents, [Likelihood(-n * math.log(2), 1, 1) for n in (1, 4, 3)])
    assert set(found) == {"norm"}
    assert {name: entry.value for name, entry in found["norm"].items()} == {"is": 2.0, "not stated": 4.0}


def test_signatures_state_tokenizer_and_order() -> None:
    assert "tok:13a" in signatures()["bleu"]
    assert "nc:6|nw:0" in signatures()["chrf"]


def test_the_command_line_of_sacrebleu_says_the_same_digits(tmp_path: Path) -> None:
    hypotheses, references = [*SENTENCES["sc"][:5], *SENTENCES["it"][5:]], SENTENCES["sc"]
    (tmp_path / "ref").write_text("\n".join(references) + "\n")
    (tmp_path / "hyp").write_text("\n".join(hypotheses) + "\n")
    mine = score_translations(hypotheses, references)
    ways: tuple[tuple[Metric, list[str]], ...] = (
        ("bleu", ["-m", "bleu"]),
        ("chrf", ["-m", "chrf"]),
        ("chrfpp", ["-m", "chrf", "--chrf-word-order", "2"]),
    )
    for name, more in ways:
        command = [
            sys.executable,
            "-m",
            "sacrebleu",
            str(tmp_path / "ref"),
            "-i",
            str(tmp_path / "hyp"),
            "-b",
            "-w",
            "2",
            *more,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert float(done.stdout) == value(mine.score(name))


def test_shuffled_references_are_near_zero_and_intervals_cover() -> None:
    shuffled = score_translations(SENTENCES["sc"][::-1], SENTENCES["sc"])
    assert value(shuffled.bleu) < 5
    chance, covered, rounds = random.Random(1), 0, 40
    pool = [(h, r) for h, r in zip([*SENTENCES["sc"][:5], *SENTENCES["it"][5:]], SENTENCES["sc"], strict=True)]
    truth = score_translations([h for h, _ in pool * 40], [r for _, r in pool * 40]).chrf
    for _ in range(rounds):
        drawn = chance.choices(pool, k=60)
        found = score_translations([h for h, _ in drawn], [r for _, r in drawn]).chrf
        assert found and found.margin
        covered += abs(found.value - value(truth)) <= found.margin
    assert covered >= 34, f"{covered} of {rounds} intervals hold the truth; 38 of 40 are expected"


def test_mostly_empty_answers_are_scored_too() -> None:
    scores = score_translations(["", "", "a"], ["Su sole essit", "Sa domo", "Oe apo"])
    assert scores.chrf and scores.chrf.margin
    assert scores.chrf.value > 0
    assert scores.chrf.margin > 0


def test_the_interval_of_bits_per_byte_covers_as_often_as_it_says() -> None:
    """Of 100 draws of 40 lines, the true mean is inside about 95 times."""
    draw = random.Random(1)

    def lines() -> list[Likelihood]:
        return [Likelihood(-draw.gauss(20, 4) * math.log(2), 10, 5) for _ in range(40)]

    intervals = [bits_interval(lines()) for _ in range(100)]
    assert 88 <= sum(low < 2 < high for low, high in intervals) <= 100
    assert sum(high - low for low, high in intervals) / 100 == pytest.approx(2 * 1.96 * 0.4 / 40**0.5, rel=0.1)


def test_two_models_are_compared_on_the_same_lines() -> None:
    """Lines that differ much hide a difference that every one of them has."""
    one = [Likelihood(-bits * math.log(2), 10, 5) for bits in (10, 40, 15, 60, 22)]
    other = [Likelihood(text.nats - math.log(2), 10, 5) for text in one]
    assert bits_difference(one, other) == (0.1, 0.1)
    assert bits_difference(other, one) == (-0.1, -0.1)
    low, high = bits_interval(one)
    assert high - low > 1
