"""Letters know their places, spellings become one within words, sentences end where they end, and cuts are small."""

import random
from itertools import pairwise

import pytest

from llimba.languages.profile import load_language
from llimba.languages.text import fold
from llimba.stages import running_text
from llimba.stages.running_text import Letters, cut, sentence_around, stretches, variants


def said(letters: Letters) -> str:
    return "".join(map(chr, letters.codes.tolist()))


def test_letters_are_those_of_the_folded_text_and_know_their_places() -> None:
    text = "S\u2019ÀBBA «frisca»,\n|e bo\u00adna| Straße a\u0300 𝐁 ½ ไทย 漢 नमस्ते"
    letters = Letters.of(text)
    assert said(letters) == fold(text).replace(" ", "").replace("_", "")
    for code, place in zip(letters.codes.tolist(), letters.places.tolist(), strict=True):
        assert chr(code) in running_text.folded_letters(text[place])


def test_spellings_become_one_within_words_alone() -> None:
    alike = variants([["t", "tt"], ["z", "tz", "zz"], ["ch", "k"]])
    assert said(Letters.of("Attu, zente e pratza; kena; tottu", alike)) == "atuzenteeprazakenatotu"
    assert said(Letters.of("chena", alike)) == said(Letters.of("kena", alike))
    assert said(Letters.of("est zente", alike)) == "estzente", "a t and a z of two words are no tz"
    assert said(Letters.of("prat-\nza", alike)) == "pratza"
    assert said(Letters.of("prat-\nza", alike, joined=True)) == "praza"


def test_words_in_scripts_without_spaces() -> None:
    assert Letters.of("duas paràulas").words() == [(0, 4), (4, 12)]
    assert 4 <= len(Letters.of("我们在山上看见了很多花").words()) <= 8, "as ICU finds them"


@pytest.mark.parametrize(
    ("text", "passage", "sentence"),
    [
        ("Unu. Duos tres bator. Chimbe.", "tres", "Duos tres bator."),
        ("Unu, duos tres", "duos", "Unu, duos tres"),
        ("| a | duos tres | b |", "duos", " duos tres "),
        ("Fine.Duos tres.Bator", "Duos tres", "Duos tres."),
        ("Su 3.5 pro chentu. «Duos tres», at naradu.", "Duos", "«Duos tres», at naradu."),
        ("पहला। दूसरा वाक्य। तीसरा", "दूसरा", "दूसरा वाक्य।"),
        ("一。二二二。三", "二二", "二二二。"),
        ("a " * 300 + "X" + " b" * 300, "X", "X"),
    ],
)
def test_the_sentence_around_a_passage(text: str, passage: str, sentence: str) -> None:
    start = text.index(passage)
    first, last = sentence_around(text, start, start + len(passage))
    assert text[first:last] == sentence


@pytest.mark.parametrize(
    ("before", "sentence", "after", "stays"),
    [
        ("In su libru de sa bidda b'at unu contu chi narat ", "su sole essit dae su mare", ".", True),
        ("Amus bidu chi ", "su sole essit dae su mare", ", e bellu.", False),
        ("Amus bidu chi ", "SU SOLE ESSIT DAE SU MARE", ".", False),
        ("Àteras noas ", "Su sole essit dae su mare", " Lege totu", True),
        ("Unu. Custa frase sighit\nin custa lìnia ", "su sole essit dae su mare", " e torrat\na sa lìnia.", True),
    ],
)
def test_what_is_joined_to_a_whole_sentence_stays_unless_it_is_a_stump(
    before: str, sentence: str, after: str, stays: bool
) -> None:
    text = before + sentence + after
    start, end = len(before), len(before + sentence)
    first, last = sentence_around(text, start, end, begins=True, ends=True)
    assert (text[:first], text[last:]) == ((before, after.removeprefix(".")) if stays else ("", ""))


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("unu\nduos\ntres\n", ["duos"], "unu\ntres\n"),
        ("unu  \r\nduos.\r\n\r\ntres", ["duos"], "unu  \r\n\r\ntres"),
        ("Unu. Duos. Tres.  ", ["Duos."], "Unu. Tres.  "),
        ("Unu. Duos.", ["Duos."], "Unu."),
        ("Duos. Tres.", ["Duos."], "Tres."),
        ("Unu.Duos.Tres.", ["Duos."], "Unu.Tres."),
        ("| a | duos | b |", ["duos"], "| a | | b |"),
        ("unu bator\nchimbe ses", ["bator\nchimbe"], "unu\nses"),
        ("Unu. Duos. Tres. Bator.", ["Duos.", "Bator."], "Unu. Tres."),
        ("unu", ["unu"], ""),
    ],
)
def test_a_cut_leaves_the_rest_as_it_is(text: str, gone: list[str], left: str) -> None:
    spans = [(text.index(one), text.index(one) + len(one)) for one in gone]
    assert cut(text, spans) == left


def test_stretches_overlap_and_hold_the_whole_text() -> None:
    chance = random.Random(1)
    text = "".join(chance.choice("abcde  \n") for _ in range(running_text.STRETCH * 2 + 999))
    parts = list(stretches(text))
    assert all(text[place : place + len(part)] == part for place, part in parts)
    assert parts[0][0] == 0
    assert parts[-1][0] + len(parts[-1][1]) == len(text)
    for (before, part), (after, _) in pairwise(parts):
        assert before + len(part) - after >= running_text.OVERLAP * 3 // 4


def test_the_shipped_profiles_have_spellings_that_can_be_compared() -> None:
    assert ("tz", "z") in variants(load_language("srd").spelled_alike)
