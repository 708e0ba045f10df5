"""What is scored on: capped, spread over sources, the same every time."""

import pytest

from llimba.errors import StageError
from llimba.evaluate.selection import sentences, texts
from llimba.recipe import EvaluateSection
from llimba.records import Document

ROWS = [
    {"id": f"{s}{i}", "source": s, "sc": "a b c", "it": "d e f " * (1 + i % 2)} for s in ("x", "y") for i in range(20)
]


def test_sources_take_turns_and_long_ones_stay_out() -> None:
    settings = EvaluateSection(directions=["it-sc"], max_sentences=6, max_words=5)
    chosen = sentences(ROWS, settings, 1)["it-sc"]
    assert [row["source"] for row in chosen].count("x") == 3
    assert all(len(row["it"].split()) <= 5 for row in chosen)
    assert chosen == sentences(ROWS[::-1], settings, 1)["it-sc"]


def test_texts_are_capped_longest_first() -> None:
    documents = [
        Document(id=f"{s}{i}", source=s, language="sc", text="à" * (10 + i), license="x", provenance="p")
        for s in ("x", "y")
        for i in range(10)
    ]
    chosen = texts(documents, EvaluateSection(languages=["sc"], max_bytes=100), 1)["sc"]
    assert sum(len(d.text.encode()) for d in chosen) <= 100
    assert [len(d.text) for d in chosen] == sorted((len(d.text) for d in chosen), reverse=True)


def test_nothing_to_score_on_is_an_error() -> None:
    with pytest.raises(StageError, match="no sentence to score en-sc on"):
        sentences(ROWS, EvaluateSection(directions=["en-sc"]), 1)
    with pytest.raises(StageError, match="no held-out text in 'fr'"):
        texts([], EvaluateSection(languages=["fr"]), 1)
