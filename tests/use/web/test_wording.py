"""Every language of the page says all that it must, with the same places to fill in."""

import re
from typing import Any

import pytest

from llimba.languages.profile import load_language
from llimba.use.web.wording import Labels, first_language, note, wordings


def places(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("code", wordings())
def test_nothing_lacks_and_nothing_is_left_in_english(code: str) -> None:
    english, words = wordings()["en"], wordings()[code]
    assert words.keys() == english.keys()
    assert all(words.values())
    assert {key: places(text) for key, text in words.items()} == {key: places(text) for key, text in english.items()}
    assert code == "en" or sum(words[key] == english[key] for key in words) < 3


def test_sardinian_and_english_are_there_and_the_models_own_comes_first() -> None:
    assert {"en", "sc"} <= set(wordings())
    assert first_language(load_language("srd")) == "sc"
    assert first_language(load_language("fur")) == "en"
    assert first_language(None) == "en"


def test_labels_are_said_anew() -> None:
    def make(**properties: Any) -> dict[str, Any]:
        return properties

    labels = Labels("en")
    made = labels.put(make, {"label": "send", "choices": lambda code: [code]}, scale=2)
    assert made == {"label": "Send", "choices": ["en"], "scale": 2}
    assert labels.components == [made]
    assert labels.said_in("sc") == [{"label": "Imbia", "choices": ["sc"]}]


def test_what_somebody_typed_is_no_markup() -> None:
    assert note("<b>") == '<p role="status">&lt;b&gt;</p>'
    assert note("") == ""
