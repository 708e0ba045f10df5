"""Instructions are the same for every model, spread evenly, and each check tells a good answer from a bad one."""

from collections import Counter

import pytest

from llimba.languages.identify.identifier import Identifier
from llimba.languages.profile import PROFILES, load_language
from llimba.stages.evaluate.instructions import (
    CHECKS,
    Instruction,
    InstructionAnswer,
    followed,
    following,
    instructions,
)
from tests.languages.identify.test_identifier import lines

GOOD_AND_BAD = {
    "at_most_words": ("One two three.", "one two three four five six"),
    "sentences": ("The sea is big. It is blue! Is it cold?", "The sea is big. It is blue."),
    "list": ("- salt\n- water\n- fish", "- salt\n* water\n- fish"),
    "contains": ("A Stone lies here.", "Stones lie here."),
    "begins": ("Stone is hard.", "A stone is hard."),
    "capitals": ("THE SEA IS BIG.", "The SEA is big."),
    "json": ('{"name": "sea", "about": "water"}', '{"name": "sea"}'),
    "one_word": ("salt", "some salt"),
}


@pytest.mark.parametrize("kind", GOOD_AND_BAD)
def test_every_check_can_fail(kind: str) -> None:
    asked = Instruction("p", "en", kind, n={"at_most_words": 5}.get(kind, 3), word="stone")
    good, bad = GOOD_AND_BAD[kind]
    assert followed(asked, good)
    assert not followed(asked, bad)
    assert not followed(asked, "  ")


def test_no_check_is_without_a_test_and_odd_json_is_no_crash() -> None:
    assert set(CHECKS) == set(GOOD_AND_BAD)
    asked = Instruction("p", "en", "json")
    assert followed(asked, '```json\n{"name": 1, "about": 2}\n```')
    for odd in ("[1]", "{", "{" * 5000, '{"name": 1, "about": 2} and more', "null"):
        assert not followed(asked, odd)


def test_a_language_is_told_by_the_identifier() -> None:
    identifier = Identifier.train({code: lines(code, 200, 1) for code in ("sc", "it", "es")}, "sc", 1)
    asked = Instruction("p", "en", "language", language="sc")
    assert followed(asked, " ".join(lines("sc", 3, 8)), identifier)
    assert not followed(asked, " ".join(lines("it", 3, 8)), identifier)
    assert not followed(asked, "whatever", None)


def test_they_are_spread_evenly_and_the_same_twice() -> None:
    profile = load_language("srd")
    found = instructions(profile, ["sc", "it", "es", "en"], 54, identified=True)
    assert found == instructions(profile, ["sc", "it", "es", "en"], 54, identified=True)
    assert len({one.prompt for one in found}) == 54
    assert set(Counter(one.kind for one in found).values()) == {6}
    assert Counter(one.prompt_language for one in found) == {"en": 18, "it": 18, "es": 18}
    assert "language" not in {one.kind for one in instructions(profile, ["en"], 40, identified=False)}
    assert {one.language for one in found if one.kind == "language"} >= {"sc", "it"}
    assert "sardo" in " ".join(one.prompt for one in found)


@pytest.mark.parametrize("name", sorted(path.stem for path in PROFILES.glob("*.yaml")))
def test_every_shipped_profile_has_instructions(name: str) -> None:
    profile = load_language(name)
    found = instructions(profile, [profile.code, "it", "en"], 20, identified=True)
    assert len(found) == 20
    assert all("{" not in one.prompt for one in found)


def test_planted_rate_is_found() -> None:
    kinds = ("list", "json")
    answers = [InstructionAnswer("p", "en", kinds[n % 2], followed=n % 10 in (0, 2, 5)) for n in range(100)]
    found = following(answers)
    assert found.all.share == 0.3
    assert {kind: of.share for kind, of in found.by_kind.items()} == {"list": 0.4, "json": 0.2}
    assert found.by_prompt_language == {"en": found.all}
    assert found.all.low < 0.3 < found.all.high
