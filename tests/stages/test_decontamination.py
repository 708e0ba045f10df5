"""Planted evaluation sentences are found under other accents, apostrophes and case; innocent text is not."""

import pytest

from llimba.stages.decontamination import EvaluationIndex

LONG = "Sas limbas de minoria tenent bisòngiu de traballu comunu e de iscola ònnia die."
SHORT = "S'abba de custa funtana est bona."
INDEX = EvaluationIndex([("long", LONG), ("short", SHORT), ("tiny", "Bona die")])


@pytest.mark.parametrize(
    ("line", "rule", "identifier"),
    [
        (LONG, "whole sentence", "long"),
        ("SAS LIMBAS de minoria tenent bisongiu de traballu comunu e de iscola onnia die", "whole sentence", "long"),
        ("Narat chi «de minoria tenent bisòngiu de traballu comunu e de» totu.", "shared 8 words", "long"),
        ("Ello, s\u2019àbba de custa funtana est bona abberu!", "sentence inside", "short"),
        ("bona die!", "whole sentence", "tiny"),
    ],
)
def test_found(line: str, rule: str, identifier: str) -> None:
    hit = INDEX.hit(line)
    assert hit is not None
    assert (hit.rule, hit.evaluation_id) == (rule, identifier)


@pytest.mark.parametrize(
    "line",
    [
        "Sas limbas de minoria tenent bisòngiu de àteru.",  # seven shared words at most
        "Bona die a totus cantos",  # a short greeting inside a line is no contamination
        "S'abba de custa funtana",
        "",
    ],
)
def test_innocent(line: str) -> None:
    assert INDEX.hit(line) is None


def test_lines_of_a_document_count_one_by_one() -> None:
    index = EvaluationIndex([("d", "unu duos tres bator chimbe\nses sete oto noe deghe")])
    assert len(index) == 2
    assert index.hit("ses sete oto noe deghe") is not None
    assert index.hit("bator chimbe ses sete oto") is None
