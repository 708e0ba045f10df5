"""Every rule keeps a page of good Sardinian, and turns away what it is there for, with value and threshold."""

import pytest

from llimba.languages.profile import Quality, load_language
from llimba.stages.corpus.quality import JUDGED_FROM, RULES, judge, measure
from tests.fakes import SENTENCES

PROFILE = load_language("srd")
PAGE = "\n".join(SENTENCES["sc"])
LIST = "\n".join(f"- {sentence[:-1]}" for sentence in SENTENCES["sc"])

BAD = {
    "words too short": "a b c d e f g h i " * 4,
    "words too long": "anticonstitutzionalissimamente " * 3 + "precipitevolissimevolmente " * 20,
    "symbols": "custa riga # $ % ^ & * + = | ~ < > bi est semper " * 4,
    "digits": "1861 1914 1945 2006 cussorgia 2024 in s'annu 1720 de su " * 4,
    "foreign letters": "\n".join(SENTENCES["sc"][:3]) + " Привет мир как дела сегодня утром в городе",
    "capitals": PAGE.upper(),
    "repetition": "Su sole essit dae su mare. " * 8 + "Sa domo est manna e sa funtana est frisca oe.",
    "a list": LIST,
    "no sentences": "\n".join(sentence[:-1] for sentence in SENTENCES["sc"]),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[0])
def test_each_rule_keeps_a_good_page(rule: tuple) -> None:
    name, value_of, field, minimum = rule
    value, threshold = value_of(measure(PAGE), PROFILE.alphabet), getattr(PROFILE.quality, field)
    assert value >= threshold if minimum else value <= threshold, f"{name}: {value} against {threshold}"


def test_every_rule_has_a_bad_page() -> None:
    assert set(BAD) == {name for name, *_ in RULES}


@pytest.mark.parametrize("name", BAD)
def test_each_rule_turns_away_what_it_is_for(name: str) -> None:
    rejection = judge(BAD[name], PROFILE.quality, PROFILE.alphabet)
    assert rejection is not None
    _, _, field, minimum = next(rule for rule in RULES if rule[0] == name)
    assert (rejection.rule, rejection.threshold) == (name, getattr(PROFILE.quality, field))
    assert rejection.value < rejection.threshold if minimum else rejection.value > rejection.threshold


def test_a_short_text_is_not_judged_and_a_foreign_alphabet_only_where_one_is_known() -> None:
    assert judge("1 2 3 4 5", PROFILE.quality, PROFILE.alphabet) is None
    russian = "Сегодня утром солнце встаёт над морем, и в городе тихо. "
    long = " ".join([russian, "Дети играют на площади, старики сидят у фонтана и говорят о погоде, хлебе и вине."])
    assert len(long.split()) >= JUDGED_FROM
    assert judge(long, PROFILE.quality, "") is None
    assert judge(long, PROFILE.quality, PROFILE.alphabet) is not None


def test_characters_are_counted_by_class() -> None:
    found = measure("Àbba, 12 & ς𝔄!\nEJA")
    assert (found.letters, found.capitals, found.digits, found.symbols) == (9, 5, 2, 1)
    assert (found.runs, found.visible) == (3, 14), "letters in a row are a word; a new line is no character to see"
    assert (found.lines, found.words) == (["Àbba, 12 & ς𝔄!", "EJA"], ["Àbba,", "12", "&", "ς𝔄!", "EJA"])
    assert measure("").visible == 1


def test_thresholds_come_from_the_profile() -> None:
    assert judge(LIST, Quality(max_list_lines=1.0, min_ended_lines=0.0), PROFILE.alphabet) is None
