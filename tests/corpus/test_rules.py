"""Each rule keeps good text and says what it measured."""

from llimba.corpus.rules import Duplicates, too_short
from llimba.records import Document, Pair

COMMON = {"source": "s", "license": "x", "provenance": "p"}


def document(identifier: str, text: str, language: str = "sc") -> Document:
    return Document(id=identifier, text=text, language=language, **COMMON)


def test_too_short() -> None:
    rejection = too_short(document("a", "duas paràulas"), 3)
    assert rejection is not None
    assert (rejection.rule, rejection.value, rejection.threshold) == ("too short", 2, 3)
    assert too_short(document("a", "tres paràulas giustas"), 3) is None


def test_a_duplicate_names_the_first_and_languages_do_not_mix() -> None:
    seen = Duplicates()
    assert seen.document(document("a", "Bona die, Sardigna!")) is None
    rejection = seen.document(document("b", "bona die sardigna"))
    assert rejection is not None
    assert rejection.value == "a"
    assert seen.document(document("c", "bona die sardigna", "it")) is None
    pair = Pair(id="p", texts={"sc": "a", "it": "b"}, **COMMON)
    assert seen.pair(pair) is None
    assert seen.pair(Pair(id="q", texts={"it": "B!", "sc": "A"}, **COMMON)) is not None
    assert seen.pair(Pair(id="r", texts={"sc": "a", "it": "c"}, **COMMON)) is None


def test_repeated_lines_are_seen_per_language() -> None:
    seen = Duplicates()
    assert [seen.line("sc", "Serra"), seen.line("sc", "Serra"), seen.line("it", "Serra")] == [False, True, False]
