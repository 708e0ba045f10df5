"""One language by any usual spelling; another language, another script and what is no language at all."""

import pytest

from llimba.languages.codes import Codes
from llimba.languages.profile import load_language

SARDINIAN = Codes(load_language("srd"), {"limba": "sc"})


@pytest.mark.parametrize(
    ("spellings", "code"),
    [
        ("sc SC srd srd_Latn srd-Latn Srd_latn Sardinian sardu limba LIMBA", "sc"),
        ("it ita ita_Latn it-IT it_IT Italian italiano", "it"),
        ("en eng eng_Latn en-GB", "en"),
        ("pt por pt_BR", "pt"),
        ("fur fur_Latn Friulian", "fur"),
        ("deu de ace_Arab srd_Cyrl sro wikipedia unknown und 1 x", None),
    ],
)
def test_every_usual_spelling(spellings: str, code: str | None) -> None:
    assert {spelling: SARDINIAN.code(spelling) for spelling in spellings.split()} == dict.fromkeys(
        spellings.split(), code
    )


def test_codes_of_the_table_serve_macrolanguages_and_scripts() -> None:
    profile = load_language("srd").model_copy(update={"names": {"sc": {}, "ar": {}, "zh": {}}})
    codes = Codes(profile)
    assert [codes.code(value) for value in ("arb_Arab", "ara", "arb", "zho_Hans", "zho_Hant")] == [
        "ar", "ar", "ar", "zh", None,
    ]  # fmt: skip


def test_what_is_no_language_is_known_from_what_is_another() -> None:
    assert all(SARDINIAN.is_language(value) for value in ("sc", "deu", "ace_Arab", "sardu", "limba"))
    assert not any(SARDINIAN.is_language(value) for value in ("wikipedia", "", "Bonas dies a totus.", "Latn", "7"))
