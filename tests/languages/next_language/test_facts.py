"""What is known of a language, and what is said where nothing is."""

import pytest

from llimba.errors import RecipeError
from llimba.languages.next_language.facts import facts, name


def test_a_language_is_found_by_any_of_its_names() -> None:
    for asked in ("sc", "srd", "Sardinian", "sardinian"):
        assert facts(asked).code == "sc"
    assert facts("als").wikipedia == "als"  # Wikipedia's own code for Alemannic
    assert facts("als").code == "gsw"


def test_relatives_that_are_spoken_beside_it_come_first() -> None:
    friulian = facts("fur")
    assert (friulian.flores, friulian.wikipedia, friulian.territory) == ("fur_Latn", "fur", "IT")
    assert friulian.replay[0].code == "it"
    assert "spoken beside it in IT, a relative" in friulian.replay[0].reason
    assert friulian.replay[-1].code == "en"
    assert {"it", "vec", "lld"} <= set(friulian.neighbours)
    assert "fur" not in friulian.neighbours
    assert set("çâêîôû") <= set(friulian.letters)


def test_an_isolate_replays_what_is_spoken_beside_it() -> None:
    assert [entry.code for entry in facts("eu").replay] == ["es", "en"]


def test_a_wikipedia_written_by_a_program_is_not_replayed() -> None:
    assert "lld" not in [entry.code for entry in facts("fur").replay]  # 180,000 articles, 62 editors


def test_an_unknown_language_is_explained() -> None:
    with pytest.raises(RecipeError, match=r"new friulan: no such language.*Did you mean .*friulian"):
        facts("friulan")


def test_names_are_cldrs() -> None:
    assert name("fur", "it") == "friulano"
