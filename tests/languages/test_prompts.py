"""One place words every prompt."""

import pytest

from llimba.errors import RecipeError
from llimba.languages.profile import load_language
from llimba.languages.prompts import evaluation_prompt, split_direction, system_prompt, translation_prompt

SARDINIAN = load_language("srd")


def test_evaluation_uses_the_first_english_wording() -> None:
    assert evaluation_prompt(SARDINIAN, "it-sc", "ciao") == "Translate from Italian to Sardinian: ciao"
    assert split_direction("en-sc") == ("en", "sc")


def test_wordings_follow_the_prompt_language() -> None:
    prompt = translation_prompt(SARDINIAN, "en-sc", "hello", prompt_language="it", wording=2)
    assert prompt == "Traduci da inglese a sardo: hello"
    assert system_prompt(SARDINIAN, "sc", 0).startswith("Ses un'assistente")
    assert system_prompt(SARDINIAN, "it", 0) == system_prompt(SARDINIAN, "en", 0)


def test_a_language_without_wordings_says_so() -> None:
    with pytest.raises(RecipeError, match="no translation_prompts in 'fr'"):
        translation_prompt(SARDINIAN, "en-sc", "x", prompt_language="fr", wording=0)
    with pytest.raises(RecipeError, match="no system_prompts"):
        system_prompt(SARDINIAN.model_copy(update={"system_prompts": {}}), "en", 0)
