"""What is scored on: capped, spread over sources, the same every time."""

import pytest

from llimba.errors import StageError
from llimba.recipe import EvaluateSection
from llimba.records import Document, Pair
from llimba.stages.evaluate.selection import few_shot, references, sentences, texts

PAIRS = [
    Pair(id=f"{s}{i}", source=s, license="x", provenance="p", texts={"sc": "a b c", "it": "d e f " * (1 + i % 2)})
    for s in ("x", "y")
    for i in range(20)
]


def test_sources_take_turns_and_long_ones_stay_out() -> None:
    settings = EvaluateSection(directions=["it-sc"], max_sentences=6, max_words=5)
    chosen = sentences(PAIRS, settings, 1)["it-sc"]
    assert [pair.source for pair in chosen].count("x") == 3
    assert all(len(pair.texts["it"].split()) <= 5 for pair in chosen)
    assert chosen == sentences(PAIRS[::-1], settings, 1)["it-sc"]


def test_references_rest_on_bytes_where_they_are_asked_for() -> None:
    settings = EvaluateSection(directions=["it-sc"], max_sentences=2, max_bytes=50)
    assert references(PAIRS, settings, 1) == {}
    asked = settings.model_copy(update={"translation_bits_per_byte": True})
    chosen = references(PAIRS, asked, 1)["it-sc"]
    assert len(chosen) == 10  # of five bytes each, more than are translated
    assert chosen[:2] == sentences(PAIRS, settings, 1)["it-sc"]
    assert len(references(PAIRS, asked.model_copy(update={"max_bytes": None}), 1)["it-sc"]) == len(PAIRS)
    assert len(references(PAIRS, asked.model_copy(update={"max_bytes": 1}), 1)["it-sc"]) == 1


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
        sentences(PAIRS, EvaluateSection(directions=["en-sc"]), 1)
    with pytest.raises(StageError, match="no held-out text in 'fr'"):
        texts([], EvaluateSection(languages=["fr"]), 1)


def test_examples_are_the_same_for_all_and_come_from_what_is_trained_on() -> None:
    pairs = [
        Pair(
            id=str(n),
            source="s",
            license="x",
            provenance="p",
            texts={
                "sc": f"una duas tres bator chimbe ses {n}",
                "it": "uno due tre quattro cinque sei" + " a" * (n % 3 * 30),
            },
        )
        for n in range(30)
    ]
    settings = EvaluateSection(directions=["it-sc", "sc-it"], num_fewshot=3)
    found = few_shot(pairs, settings, 1)
    assert found == few_shot(pairs[::-1], settings, 1)
    assert found["it-sc"] == found["sc-it"] and len(found["it-sc"]) == 3
    assert all(len(one.texts["it"].split()) <= 60 for one in found["it-sc"])
    assert few_shot(pairs, EvaluateSection(directions=["it-sc"]), 1) == {}
    with pytest.raises(StageError, match="evaluate.num_fewshot: it-sc has 20 example pairs"):
        few_shot(pairs, settings.model_copy(update={"num_fewshot": 25}), 1)
