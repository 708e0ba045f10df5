"""Known answers: the references score 100, a copy scores what sacrebleu says, bits are bits."""

import math

import pytest
import sacrebleu

from llimba.evaluate.scores import bits_per_byte, signatures, translation_scores
from tests.fakes import SENTENCES


def test_references_score_100_and_others_as_sacrebleu_says() -> None:
    perfect = translation_scores(SENTENCES["sc"], SENTENCES["sc"])
    assert (perfect["bleu"], perfect["chrf"], perfect["sentences"]) == (100, 100, 10)
    copy = translation_scores(SENTENCES["it"], SENTENCES["sc"])
    assert copy["bleu"] == pytest.approx(sacrebleu.corpus_bleu(SENTENCES["it"], [SENTENCES["sc"]]).score, abs=0.01)
    assert copy["chrf"] == pytest.approx(sacrebleu.corpus_chrf(SENTENCES["it"], [SENTENCES["sc"]]).score, abs=0.01)
    assert 0 < copy["chrf"] < 50


def test_bits_per_byte() -> None:
    assert bits_per_byte([-8 * math.log(2), -4 * math.log(2)], [4, 2]) == {"value": 2.0, "documents": 2, "bytes": 6}


def test_signatures_state_tokenizer_and_order() -> None:
    assert "tok:13a" in signatures()["bleu"]
    assert "nc:6|nw:0" in signatures()["chrf"]
