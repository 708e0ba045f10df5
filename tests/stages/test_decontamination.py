"""Planted evaluation sentences are found under other accents, apostrophes and case; innocent text is not."""

import pytest

from llimba.stages import decontamination, running_text
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.running_text import variants

LONG = "Sas limbas de minoria tenent bisòngiu de traballu comunu e de iscola ònnia die."
SHORT = "S'abba de custa funtana est bona."
WRAPPED = "Sas limbas de minoria tenent bi-\nsòngiu de traballu co-\nmunu e de iscola\nònnia die."
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


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"In antis.\n{WRAPPED} A pustis.", "In antis.\nA pustis."),
        (f"| unu | {LONG} | 3 |", "| unu | | 3 |"),
        ("S'abba de custa\n\n12\nSU MARE\n\nfuntana est bona. Ello.", "\n12\nSU MARE\n\nEllo."),
        ("Primu. S'abba de custa funtana est bona. Segundu.", "Primu. Segundu."),
        ("Primu.S\u2019ÀBBA DE CUSTA FUNTANA EST BONA.Segundu", "Primu.Segundu"),
        ("At naradu.\nBona die!\nE bia.", "At naradu.\nE bia."),
        ("Bona die a totus", "Bona die a totus"),
    ],
)  # fmt: skip
def test_the_sentence_leaves_and_nothing_else(text: str, left: str) -> None:
    assert INDEX.without(text)[0] == left


def test_a_running_text_is_looked_for_across_its_lines_and_without_its_short_ones() -> None:
    index = EvaluationIndex([("d", "– Eja.\nunu duos tres bator chimbe\n– Eja.\nses sete oto noe deghe")])
    assert index.hit("– Eja.") is None, "an answer is no sentence to be scored on"
    hit = index.hit("Tres bator chimbe. Eja? Ses sete oto noe.")
    assert hit is not None
    assert hit.rule == "shared 8 words"


def test_a_script_without_spaces() -> None:
    index = EvaluationIndex([("zh", "我们昨天晚上在山上看见了很多漂亮的花和鸟儿还有一条小河。")])
    text, removed = index.without("早上好。我们昨天晚上在山上看见了很多\n漂亮的花和鸟儿还有一条小河。再见，朋友们！")
    assert text == "早上好。\n再见，朋友们！"
    assert len(removed) == 1
    assert index.hit("我们昨天晚上在家里看书，看见了很多漂亮的图画。") is None


def test_spellings_of_the_profile_count_as_one() -> None:
    text = "Sas limbas de minoria tenent bisonzu de trabballu"
    assert (
        EvaluationIndex([("e", "Sos pitzinnos giogant in sa pratza de sa bidda.")]).hit(
            "Sos pizinnos giogant in sa prazza de sa bidda"
        )
        is None
    )
    alike = variants([["z", "tz", "zz"]])
    assert (
        EvaluationIndex([("e", "Sos pitzinnos giogant in sa pratza de sa bidda.")], alike).hit(
            "Sos pizinnos giogant in sa prazza de sa bidda"
        )
        is not None
    )
    assert EvaluationIndex([("e", LONG)], alike).hit(text) is None


def test_a_long_text_is_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_text, "STRETCH", 3000)
    monkeypatch.setattr(running_text, "OVERLAP", 1000)
    monkeypatch.setattr(decontamination, "OVERLAP", 1000)
    lines = [f"Custa est sa lìnia nùmeru {number} de unu testu longu meda." for number in range(2000)]
    planted = [*lines]
    for at in range(3, 2000, 7):
        planted[at] += f" {LONG} {SHORT}"
    text, removed = INDEX.without("\n".join(planted))
    assert text.split("\n") == lines
    assert len(removed) == 2 * len(range(3, 2000, 7))
