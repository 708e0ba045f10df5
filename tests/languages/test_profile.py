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
    (tmp_path / "bad.yaml").write_text("code: xx\n")
    with pytest.raises(RecipeError, match="bad.yaml is not valid"):
        load_language(str(tmp_path / "bad.yaml"))


def test_a_profile_of_ones_own_works_by_path(tmp_path: Path) -> None:
    text = (PROFILES / "srd.yaml").read_text().replace("code: sc ", "code: xx ", 1)
    (tmp_path / "own.yaml").write_text(text)
    assert load_language(str(tmp_path / "own.yaml")).code == "xx"
