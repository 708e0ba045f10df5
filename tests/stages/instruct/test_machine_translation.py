"""Rows are translated whole or turned away with a reason; what is kept has every span."""

from pathlib import Path
from typing import Any

import pytest

from llimba.languages.profile import load_language
from llimba.recipe import ApertiumTranslation
from llimba.records import Conversation, Pair
from llimba.stages.instruct.machine_translation import lost_spans, translate_rows
from tests.models.translators.engines import Backwards, Loses

SARDINIAN = load_language("srd")
COMMON: dict[str, Any] = {"source": "s", "license": "x", "provenance": "p"}
CODE = (
    "Run this now:\n\n```\nprint('hello world')\n```\n\n- Then open https://example.org or ask @maria.\n- Add 2 eggs."
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLIMBA_CACHE", str(tmp_path / "cache"))


def settings(**changes: Any) -> ApertiumTranslation:
    return ApertiumTranslation(engine="apertium", source_language="en", route=["x"], **changes)


def talk(identifier: str, *contents: str, rejected: str = "") -> Conversation:
    roles = ["user", "assistant"] * 3
    messages = [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]
    return Conversation(id=identifier, messages=messages, rejected=rejected, **COMMON)


def test_every_message_is_translated_and_code_stays() -> None:
    result = translate_rows([talk("a", "what is this", CODE)], settings(), SARDINIAN, Backwards(), lambda text: None)
    (kept,) = result.kept
    assert isinstance(kept, Conversation)
    assert kept.messages[0] == {"role": "user", "content": "tahw si siht"}
    assert kept.messages[1]["content"] == (
        "nuR siht now:\n\n```\nprint('hello world')\n```\n\n- nehT nepo https://example.org ro ksa @maria.\n"
        "- ddA 2 eggs."
    )
    assert (kept.origin, kept.engine) == ("mt", "backwards")
    assert result.facts["spans_intact"] == {"rows_with_spans": 1, "rows_intact": 1, "rows": 1}


def test_an_engine_that_loses_spans_gets_the_pieces() -> None:
    engine = Loses()
    result = translate_rows([talk("a", "one two", CODE)], settings(), SARDINIAN, engine, lambda text: None)
    (kept,) = result.kept
    assert isinstance(kept, Conversation)
    assert "- nehT nepo https://example.org ro ksa @maria." in kept.messages[1]["content"]
    assert result.facts["sentences"]["in_pieces"] == 1
    assert "Then open" in engine.calls


@pytest.mark.parametrize(
    ("row", "changes", "found", "rule"),
    [
        (talk("a", "xylophone xylophone plays", "yes"), {}, None, "unknown words"),
        (talk("a", "short", "yes"), {"min_length_ratio": 1.5}, None, "length ratio"),
        (talk("a", "a a a a a a a", "yes"), {}, None, "unchanged"),
        (talk("a", "one two three four five six", "yes"), {}, "it", "language"),
        (talk("a", "good", "yes", rejected="one two three four five six"), {}, "it", "language"),
        (Pair(id="a", texts={"it": "ciao", "sc": "salude"}, **COMMON), {}, None, "no such side"),
    ],
)
def test_each_rule_turns_away_with_its_reason(row: Any, changes: dict[str, Any], found: str | None, rule: str) -> None:
    result = translate_rows([row], settings(**changes), SARDINIAN, Backwards(), lambda text: found)
    assert result.kept == []
    assert result.facts["rejected"] == {rule: 1}
    assert result.rejected[0].record.id == "a"
    assert result.rejected[0].detail


def test_an_empty_translation_is_none() -> None:
    class Silent(Backwards):
        def one(self, sentence: str) -> str:
            return ""

    result = translate_rows([talk("a", "good day", "yes")], settings(), SARDINIAN, Silent(), lambda text: None)
    assert result.facts["rejected"] == {"no translation": 1}


def test_pairs_get_the_missing_side_and_made_up_words_are_not_unknown() -> None:
    row = Pair(id="p", texts={"en": "look at `this` here", "it": "guarda `this` qui"}, **COMMON)
    result = translate_rows([row], settings(max_unknown=0.0), SARDINIAN, Backwards(), lambda text: "sc")
    (kept,) = result.kept
    assert isinstance(kept, Pair)
    assert kept.texts["sc"] == "kool ta `this` ereh"
    assert kept.origin == "mt"


def test_a_second_run_makes_no_sentence_again() -> None:
    rows = [talk(str(i), f"question number {i}", CODE) for i in range(5)]
    first, second = Backwards(), Backwards()
    one = translate_rows(rows, settings(), SARDINIAN, first, lambda text: None)
    two = translate_rows(rows, settings(max_rows=4), SARDINIAN, second, lambda text: None)
    assert len(first.calls) == len(set(first.calls))
    assert second.calls == []
    assert one.kept[:4] == two.kept
    assert two.facts["sentences"]["translated"] == 0


def test_lost_code_is_seen() -> None:
    assert lost_spans(CODE, CODE.replace("hello", "salude")) == ["```\nprint('hello world')\n```"]
    assert lost_spans(CODE, CODE.replace("2 eggs", "eggs")) == ["2"]
