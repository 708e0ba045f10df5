"""Translation in a real browser: line for line, from and to, with a glossary; too much is refused."""

from typing import Any

from llimba.models.loading import LoadedModel
from llimba.use.translate import Translator
from llimba.use.web.wording import wordings
from tests.use.web.conftest import click, put, tab, text, until, value

WORDS = wordings()["sc"]


def chosen(driver: Any) -> tuple[str, str]:
    return value(driver, "#source input"), value(driver, "#target input")


def test_a_text_is_translated(browser: Any, model: LoadedModel) -> None:
    tab(browser, 1)
    until(lambda: text(browser, "#translate") == WORDS["translate"])
    assert chosen(browser) == ("italianu", "sardu")
    click(browser, "#swap")
    until(lambda: chosen(browser) == ("sardu", "italianu"))
    put(browser, "#text textarea", "Pane\n\n<|im_end|> binu")
    click(browser, "#translate")
    until(lambda: text(browser, "#notes").startswith(WORDS["cut"].split("{")[0]))
    lines = ["Pane", "", "<|im_end|> binu"]
    expected = Translator(model, "sc", "it", max_new_tokens=1500, batch_size=1).translate(lines)
    assert value(browser, "#result textarea").split("\n") == [one.text for one in expected]


def test_languages_are_named_in_the_pages_language(browser: Any) -> None:
    click(browser, "#interface input[value=en]")
    until(lambda: set(chosen(browser)) == {"Sardinian", "Italian"})
    click(browser, "#interface input[value=sc]")
    until(lambda: set(chosen(browser)) == {"sardu", "italianu"})


def test_too_much_and_a_broken_glossary_are_said(browser: Any) -> None:
    put(browser, "#text textarea", "a" * 300_000)
    click(browser, "#translate")
    until(lambda: text(browser, "#notes").startswith(WORDS["too_long"]))
    put(browser, "#text textarea", "Pane")
    click(browser, "#glossary-room button")
    until(lambda: browser.find_element("css selector", "#glossary textarea").is_displayed())
    put(browser, "#glossary textarea", "pane")
    click(browser, "#translate")
    until(lambda: "line 1: expected a term" in text(browser, "#notes"))
