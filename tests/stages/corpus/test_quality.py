"""Every rule keeps a page of good Sardinian, and turns away what it is there for, with value and threshold."""

import pytest
import regex

from llimba.languages.characters import normalize
from llimba.languages.next_language.facts import facts
from llimba.languages.next_language.profile import alphabet, apostrophe
from llimba.languages.profile import Quality, load_language
from llimba.stages.corpus.measure import measure
from llimba.stages.corpus.quality import JUDGED_FROM, RULES, judge
from tests.fakes import SENTENCES
from tests.scripts import SENTENCES as SCRIPTS

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


@pytest.mark.parametrize("code", SCRIPTS)
def test_a_good_page_of_any_script_passes_every_rule_and_each_fault_is_found(code: str) -> None:
    known = facts("zh" if code == "zho" else code)
    sentences, letters = SCRIPTS[code], alphabet(known)
    page = normalize("\n".join(sentences), apostrophe(known))
    assert judge(page, Quality(), letters) is None
    bad = {
        "symbols": "\n".join(f"{line} # $ % ^ & * + = | ~ < > # $ %" for line in sentences),
        "digits": "\n".join(f"{line} 1861 1914 1945 2006 1720 1999 2024 1492 1066" for line in sentences),
        "foreign letters": f"{page}\n{' '.join(SENTENCES['sc'] if known.script != 'Latn' else SCRIPTS['ukr'])}",
        "repetition": f"{' '.join(sentences[:2])} " * 6,
        "a list": "\n".join(f"- {line}" for line in sentences * 2),
    }
    if code != "tha":  # no signs there that end a sentence
        bad["no sentences"] = regex.sub(r"[\p{Sentence_Terminal}.?]$", "", page, flags=regex.MULTILINE)
    assert {name: (found := judge(text, Quality(), letters)) and found.rule for name, text in bad.items()} == {
        name: name for name in bad
    }


@pytest.mark.parametrize("code", ["hin", "tam", "amh", "hye", "fas", "kat"])
def test_letters_with_spaces_between_them_are_no_words(code: str) -> None:
    letters = " ".join(character for line in SCRIPTS[code] for character in line if character.isalpha())
    rejection = judge(letters, Quality(), "")
    assert rejection is not None and rejection.rule == "words too short"


def test_a_page_without_any_space_is_judged_all_the_same() -> None:
    page = "\n".join(
        "".join(c for c in sentence if c.isalpha()) for sentence in [*SENTENCES["sc"], *SENTENCES["sc"][:5]]
    )
    assert len(page.split()) < JUDGED_FROM < len(page)
    rejection = judge(page, PROFILE.quality, PROFILE.alphabet)
    assert rejection is not None and rejection.rule == "words too long"


def test_a_refrain_is_no_repetition_but_a_page_of_copies_is() -> None:
    verse, refrain = SENTENCES["sc"], "Andemus a mare, andemus a mare cun sa luna!"
    song = "\n".join(f"{a}\n{b}\n{refrain}\n{refrain}" for a, b in zip(verse[::2], verse[1::2], strict=False))
    assert judge(song, PROFILE.quality, PROFILE.alphabet) is None
    rejection = judge("\n".join([*verse, *[refrain] * 100]), PROFILE.quality, PROFILE.alphabet)
    assert rejection is not None and rejection.rule == "repetition"


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
