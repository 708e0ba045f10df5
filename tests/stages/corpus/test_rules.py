"""Each rule keeps good text and says what it measured."""

from dataclasses import replace

from llimba.recipe import CorpusSection
from llimba.records import Document, Pair
from llimba.stages.corpus.rules import Duplicates, Rejection, too_short, wrong_label

COMMON = {"source": "s", "license": "x", "provenance": "p"}


def document(identifier: str, text: str, language: str = "sc") -> Document:
    return Document(id=identifier, text=text, language=language, **COMMON)


def test_too_short() -> None:
    rejection = too_short(document("a", "duas paràulas"), 3)
    assert rejection is not None
    assert (rejection.rule, rejection.value, rejection.threshold) == ("too short", 2, 3)
    assert too_short(document("a", "tres paràulas giustas"), 3) is None


def test_a_pair_equal_on_all_sides_is_a_duplicate() -> None:
    seen = Duplicates()
    assert seen.pair(Pair(id="p", texts={"sc": "a", "it": "b"}, **COMMON)) is None
    again = seen.pair(Pair(id="q", texts={"it": "B!", "sc": "A"}, **COMMON))
    assert again == Rejection("duplicate", "an earlier pair", "one copy")
    assert seen.pair(Pair(id="r", texts={"sc": "a", "it": "c"}, **COMMON)) is None


def test_only_the_norms_asked_for() -> None:
    said = replace(document("a", "x"), norm="is")
    assert wrong_label(said, CorpusSection()) is None
    assert wrong_label(said, CorpusSection(norms=["is"])) is None
    rejection = wrong_label(said, CorpusSection(norms=["sos-sas", "lsc"]))
    assert rejection is not None
    assert (rejection.value, rejection.threshold) == ("is", "sos-sas, lsc")
    assert rejection.row(said)["record"]["id"] == "a"
    unknown = wrong_label(document("b", "x"), CorpusSection(norms=["is"]))
    assert unknown is not None
    assert unknown.value == "not recognised"
    other = wrong_label(said, CorpusSection(varieties=["campidanesu"]))
    assert other is not None
    assert other.rule == "variety"
