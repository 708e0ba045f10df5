"""Markers label a text only where enough of them agree."""

from llimba.languages.profile import load_language
from llimba.stages.corpus.norms import marked

MARKERS = {"plural-s": ["sos", "sas"], "plural-i": ["is"]}


def test_enough_agreeing_markers_label() -> None:
    assert marked("Sos pitzinnos e sas pitzinnas giogant cun sos canes.", MARKERS) == "plural-s"
    assert marked("Is pipius giogant cun is canes e is gatus.", MARKERS) == "plural-i"


def test_four_of_five_are_enough_agreement() -> None:
    assert marked("Sos canes, sas feminas, sos gatus, sas mesas e is pitzinnos.", MARKERS) == "plural-s"


def test_too_few_or_mixed_markers_do_not() -> None:
    assert marked("Sos canes current.", MARKERS) == ""
    assert marked("Sos canes, sas feminas, is pipius e is gatus.", MARKERS) == ""
    assert marked("Perunu articulu plurale.", {}) == ""


def test_a_shipped_profile_names_its_norms_and_varieties() -> None:
    profile = load_language("srd")
    assert set(profile.norm_markers) <= set(profile.norms)
    assert set(profile.variety_markers) <= set(profile.varieties)
