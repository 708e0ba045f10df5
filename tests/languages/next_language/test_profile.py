"""A profile that is written is a profile that loads, whatever the language."""

from pathlib import Path

import pytest
import yaml

from llimba.languages.next_language.facts import _rows, facts
from llimba.languages.next_language.profile import checklist, profile_text, prompt_wordings, prompted
from llimba.languages.profile import PROFILES, Language, load_language
from llimba.languages.prompts import evaluation_prompt, translation_prompt

EVERY = 9  # of the table's languages, so that the test stays short; the shipped ones are tested one by one
SHIPPED = sorted(path.stem for path in PROFILES.glob("*.yaml"))


@pytest.mark.parametrize("code", [*sorted(_rows())[::EVERY], "no", "fur", "zh"])
def test_any_language_of_the_table(code: str) -> None:
    known = facts(code)
    profile = Language.model_validate(yaml.safe_load(profile_text(known)))
    assert profile.code == known.code
    for other in (entry.code for entry in known.replay):
        assert evaluation_prompt(profile, f"{other}-{profile.code}", "x").startswith("Translate from ")
    for prompt_language in profile.translation_prompts:
        for other in profile.names:
            translation_prompt(profile, f"{other}-{profile.code}", "x", prompt_language=prompt_language, wording=1)
    assert set(profile.replay) == {entry.code for entry in known.replay}


@pytest.mark.parametrize("code", SHIPPED)
def test_shipped_profiles_agree_with_the_table(code: str) -> None:
    shipped, known = load_language(code), facts(code)
    fields = ("code", "iso639_3", "flores", "wikipedia", "script")
    assert {key: getattr(shipped, key) for key in fields} == {key: getattr(known, key) for key in fields}
    assert set(shipped.neighbours) <= set(_rows())
    assert set(shipped.replay) <= set(_rows())


def test_the_shipped_languages() -> None:
    assert SHIPPED == ["ast", "fur", "lij", "lld", "lmo", "oci", "scn", "srd", "vec"]


def test_the_checklist_names_what_only_a_speaker_knows() -> None:
    friulian = "\n".join(checklist(facts("fur")))
    assert "translation_prompts.fur" in friulian
    assert "Piedmontese in es" in friulian
    assert "no FLORES" not in friulian
    assert "there is no FLORES" in "\n".join(checklist(facts("co")))
    assert all(f"[ ] {line}" in profile_text(facts("fur")) for line in checklist(facts("fur")))


def test_prompts_exist_in_the_languages_that_are_replayed() -> None:
    assert prompted(facts("fur"))[:2] == ["en", "it"]
    for texts in prompt_wordings()["translation_prompts"].values():
        assert all("{text}" in text and "{target}" in text for text in texts)


def test_new_fields_stay_out_of_every_fingerprint(tmp_path: Path) -> None:
    assert not {"wikipedia", "script", "replay"} & set(load_language("srd").model_dump())
