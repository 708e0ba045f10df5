"""Lines keep their places; JSON lines keep their fields; broken ones are named."""

import json

import pytest

from llimba.errors import LlimbaError
from llimba.use.glossary import Term
from llimba.use.lines import read, written
from llimba.use.translate import LineTranslation


def test_lines_keep_their_structure() -> None:
    given = read("\ufeffone\r\n\ntwo\n", None)
    assert given.lines == ["one", "", "two"]
    answers = [LineTranslation(text.upper(), True, ()) for text in given.lines]
    assert list(written(given, answers)) == ["ONE", "", "TWO"]


def test_json_lines_keep_their_fields() -> None:
    given = read('{"id": 1, "it": "pane\\ne vino"}\n\n{"id": 2, "it": ""}\n', "it")
    assert given.lines == ["pane e vino", ""]
    answers = [LineTranslation("pane", False, (Term("vino", "binu"),)), LineTranslation("", True, ())]
    rows = [json.loads(line) for line in written(given, answers)]
    assert rows[0] == {"id": 1, "it": "pane\ne vino", "translation": "pane", "cut": True, "missing_terms": ["binu"]}
    assert rows[1] == {"id": 2, "it": "", "translation": ""}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"text": "a"}\n{"text": ', "line 2: not valid JSON"),
        ("[" * 100_000, "line 1: not valid JSON"),
        ('{"it": "a"}', "line 1: expected a JSON object with a text under 'text'"),
        ('{"text": 3}', "expected a JSON object"),
        ('"text"', "expected a JSON object"),
    ],
)
def test_broken_json_is_named(text: str, why: str) -> None:
    with pytest.raises(LlimbaError, match=why):
        read(text, "text")
