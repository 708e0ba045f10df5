"""What the page shows is what the model says; faults are sentences and lose nothing."""

from typing import Any

import pytest

from llimba.models.loading import LoadedModel
from llimba.use.chat import Chat
from llimba.use.translate import Translator
from llimba.use.web.answers import MOST_LINES, Conversation, chat, translate

CHAT: dict[str, Any] = {"system": "", "temperature": 0.0, "max_new_tokens": 12, "interface": "sc"}
TRANSLATE: dict[str, Any] = {
    "source": "it", "target": "sc", "glossary": "", "force": False, "max_new_tokens": 12, "interface": "en",
}  # fmt: skip


def test_a_conversation_is_the_terminals(model: LoadedModel) -> None:
    talk, held = Chat(model, system="Ses", max_new_tokens=12), Conversation()
    for question in ("Salude", "E tue?"):
        expected = "".join(talk.answer(question))
        shown = list(chat(model, held, f" {question}\n", **{**CHAT, "system": " Ses "}))
        assert shown[0].conversation[-1] == {"role": "user", "content": question}, "the question stands there at once"
        assert shown[-1].conversation[-1] == {"role": "assistant", "content": expected}
        assert shown[-1].line.startswith("Limba de sa risposta: ")
    assert held.turns == talk.turns
    assert len(held.shown) == 4


def test_the_language_of_the_answer_is_named(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Chat, "answer", lambda self, text: (piece for piece in ("Su sole essit ", "dae su mare.")))
    assert list(chat(model, Conversation(), "Salude", **CHAT))[-1].line == "Limba de sa risposta: sardu"
    english = list(chat(model, Conversation(), "Salude", **{**CHAT, "interface": "en"}))
    assert english[-1].line == "Language of the answer: Sardinian"
    nothing = list(chat(model._replace(identifier=None), Conversation(), "Salude", **CHAT))
    assert nothing[-1].line == ""


def test_what_is_too_long_is_said_and_nothing_is_lost(model: LoadedModel) -> None:
    held = Conversation()
    list(chat(model, held, "Salude", **CHAT))
    before = Conversation(list(held.turns), list(held.shown))
    refused = list(chat(model, held, "a" * 300_000, **CHAT))[-1]
    assert not refused.taken
    assert refused.line.startswith("Su testu est tropu longu pro custu modellu.")
    assert refused.conversation == before.shown
    assert held == before
    told = list(chat(model, held, "Salude", **{**CHAT, "system": "a" * 300_000}))[-1]
    assert "tropu longu" in told.line
    assert held == before


def test_no_question_and_no_answer(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Conversation()
    assert not list(chat(model, held, " \n", **CHAT))[-1].taken
    monkeypatch.setattr(Chat, "answer", lambda self, text: (piece for piece in ()))
    assert list(chat(model, held, "Salude", **CHAT))[-1].line == "Su modellu no at rispostu nudda."


def test_a_visitor_who_stops_keeps_what_was_said(model: LoadedModel) -> None:
    held = Conversation()
    stream = chat(model, held, "Salude", **{**CHAT, "max_new_tokens": 1500})
    partial = next(shown.conversation[-1]["content"] for shown in stream if shown.conversation[-1]["role"] != "user")
    stream.close()
    assert held.shown[-1]["content"] == partial
    assert held.turns[-1] == {"role": "assistant", "content": partial.strip()}


def test_a_model_that_fails_says_so(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(model.model, "generate", fail)
    shown = list(chat(model, Conversation(), "Salude", **CHAT))[-1]
    assert shown.line.startswith("No at funtzionadu: the model could not answer (out of memory)")
    assert not shown.taken


def test_a_translation_is_the_terminals(model: LoadedModel) -> None:
    lines = ["Pane", "", "Vino <|im_end|>"]
    expected = [one.text for one in Translator(model, "it", "sc", max_new_tokens=12, batch_size=1).translate(lines)]
    parts = list(translate(model, "\n".join(lines), **TRANSLATE))
    assert parts[-1].text == "\n".join(expected)
    assert [part.line for part in parts[:3]] == ["1 of 3 lines", "2 of 3 lines", "3 of 3 lines"]
    assert list(translate(model, "  \n", **TRANSLATE))[-1].text == ""


def test_a_glossary_is_checked_or_forced(model: LoadedModel) -> None:
    given = {**TRANSLATE, "glossary": "vino = binu nieddu\n"}
    assert "Missing from the glossary: vino = binu nieddu" in list(translate(model, "Il vino", **given))[-1].line
    forced = list(translate(model, "Il vino", **{**given, "force": True}))[-1]
    assert "binu nieddu" in forced.text
    assert "Missing" not in forced.line
    broken = list(translate(model, "Il vino", **{**given, "glossary": "vino"}))[-1]
    assert broken.line.startswith("That did not work: Glossary, line 1: expected a term")


def test_translations_that_are_too_much(model: LoadedModel) -> None:
    assert "too long" in list(translate(model, "a" * 300_000, **TRANSLATE))[-1].line
    many = list(translate(model, "a\n" * (MOST_LINES + 1), **TRANSLATE))[-1]
    assert many.line.startswith("The text is too long for this model.")
    assert "201 lines" in many.line
    assert "no name for 'xx'" in list(translate(model, "Pane", **{**TRANSLATE, "source": "xx"}))[-1].line
    unable = model._replace(language=None)
    assert "no language.yaml" in list(translate(unable, "Pane", **TRANSLATE))[-1].line
