"""A language is a data file; a missing one, or a missing name in it, says what to do."""

from pathlib import Path

import pytest

from llimba.errors import RecipeError
from llimba.languages.profile import PROFILES, load_language


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_profiles_are_whole(path: Path) -> None:
    profile = load_language(path.stem)
    assert profile.iso639_3 == path.stem
    assert profile.flores.startswith(profile.iso639_3)
    for prompt_language, wordings in profile.translation_prompts.items():
        assert all("{text}" in wording and "{target}" in wording for wording in wordings)
        for code in profile.names:
            assert profile.name(code, prompt_language)


def test_unknown_profile_and_name_are_explained(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no profile 'sdr'.*Did you mean 'srd'"):
        load_language("sdr")
    with pytest.raises(RecipeError, match=r"add it under names\.xx\.en"):
        load_language("srd").name("xx", "en")


def test_a_profile_of_ones_own_works_by_path(tmp_path: Path) -> None:
    text = (PROFILES / "srd.yaml").read_text().replace("code: sc ", "code: xx ", 1)
    (tmp_path / "own.yaml").write_text(text)
    assert load_language(str(tmp_path / "own.yaml")).code == "xx"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code: xx\n", "bad.yaml: iso639_3: is missing; add it."),
        ("- a\n", "bad.yaml is a list, not a language profile: expected keys such as code"),
        ("code: xx\nqualty: {}\n", "bad.yaml:2: qualty: there is no such key. Did you mean 'quality'?"),
        ("quality:\n  max_digits: 1\n", "bad.yaml:2: quality.max_digits: there is no such key"),
        ("names: {no: {en: Norwegian}}\n", "bad.yaml:1: a key must be text, and 'no' is not: put it in quotes"),
        ("translation_prompts: {en: ['{text} {x}']}\n", "only {source}, {target} and {text} may be in braces"),
        ("translation_prompts: {en: ['{text']}\n", "only {source}, {target} and {text} may be in braces"),
    ],
)
def test_a_bad_profile_is_explained_line_by_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_language(str(tmp_path / "bad.yaml"))
    assert any(said in line for line in str(caught.value).splitlines()), caught.value
