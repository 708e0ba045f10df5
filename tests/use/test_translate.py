"""Batches change nothing, empty lines stay, and what cannot be done is said before the work."""

from pathlib import Path

import pytest

from llimba.errors import LlimbaError
from llimba.use.glossary import Term
from llimba.use.translate import LineTranslation, Translator
from tests.use.models import opened

LINES = ["Il sole sorge.", "", "Pane e vino {text} %s", "D'inverno fa molto freddo sulle montagne."]


def test_a_translation_a_line_whatever_the_batch(tmp_path: Path) -> None:
    found = opened(tmp_path)
    for parameter in found.model.parameters():
        if parameter.ndim > 1:
            parameter.data *= 20  # a model that says something else to every prompt
    alone = list(Translator(found, "it", "sc", batch_size=1, max_new_tokens=12).translate(LINES))
    together = list(Translator(found, "it", "sc", batch_size=4, max_new_tokens=12).translate(LINES))
    assert [one.text for one in alone] == [one.text for one in together]
    assert len({one.text for one in alone}) == 4
    assert alone[1] == LineTranslation("", True, ())


def test_it_asks_with_the_prompt_that_was_scored(tmp_path: Path) -> None:
    translator = Translator(opened(tmp_path), "it", "sc", max_new_tokens=12)
    decoded = translator._opened.tokenizer.decode(translator._prompt("Ciao <|im_end|>"))
    assert "Translate from Italian to Sardinian: Ciao <|im_end|><|im_end|>" in decoded
    end = translator._opened.contract.eos_id
    assert translator._prompt("Ciao <|im_end|>").count(end) == 1


def test_a_line_that_is_too_long_is_named_first(tmp_path: Path) -> None:
    translator = Translator(opened(tmp_path), "it", "sc", max_new_tokens=12)
    translator.check(LINES)
    with pytest.raises(LlimbaError, match=r"line 2: the text has .* tokens"):
        translator.check(["Pane", "a " * 1500])


def test_unknown_languages_and_a_missing_profile_are_explained(tmp_path: Path) -> None:
    found = opened(tmp_path)
    with pytest.raises(LlimbaError, match="no name for 'xx'"):
        Translator(found, "xx", "sc")
    with pytest.raises(LlimbaError, match="--profile srd"):
        Translator(found._replace(language=None), "it", "sc")


def test_a_glossary_is_checked_or_forced(tmp_path: Path) -> None:
    terms = [Term("vino", "binu")]
    found = opened(tmp_path)
    checked = list(Translator(found, "it", "sc", max_new_tokens=12, glossary=terms).translate(LINES))
    assert [one.missing for one in checked] == [(), (), (terms[0],), ()]
    forced = list(Translator(found, "it", "sc", max_new_tokens=12, glossary=terms, forced=True).translate(LINES))
    assert not any(one.missing for one in forced)
    assert "binu" in forced[2].text
    assert forced[0] == checked[0]
