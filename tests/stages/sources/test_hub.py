"""Hub datasets, the hub itself played by the test."""

from pathlib import Path
from typing import Any

import datasets
import pytest

from llimba.errors import StageError
from llimba.recipe import HubSource
from llimba.records import Conversation, Document, Pair, Record
from llimba.stages.sources.hub import load
from tests.fakes import intake


def records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]], **settings: Any
) -> list[Record]:
    asked: dict[str, Any] = {}

    def load_dataset(dataset: str, subset: str | None, **keywords: Any) -> list[dict[str, Any]]:
        asked.update(keywords, dataset=dataset, subset=subset)
        return rows

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    source = HubSource(kind="hub", dataset="a/b", revision="abc", license="x", **settings)
    reading = intake(source, "h")
    found = list(load(source, reading))
    assert reading.revision == "abc"  # the tests have no hub to ask which commit that is
    assert asked == {"dataset": "a/b", "subset": None, "split": "train", "revision": "abc", "streaming": False}
    return found


def test_documents_pairs_conversations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"body": "unu", "lang": "sc"}, {"body": " ", "lang": "sc"}]
    (document,) = records(tmp_path, monkeypatch, rows, columns={"text": "body", "language": "lang"})
    assert isinstance(document, Document)
    assert (document.text, document.language, document.provenance) == ("unu", "sc", "a/b@abc:0")
    (pair,) = records(tmp_path, monkeypatch, [{"id": 3, "sc": "unu", "it": "uno"}], yields="pairs")
    assert isinstance(pair, Pair)
    assert (pair.id, pair.texts) == ("h:3", {"sc": "unu", "it": "uno"})
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    (conversation,) = records(tmp_path, monkeypatch, [{"messages": messages}], yields="conversations")
    assert isinstance(conversation, Conversation)
    assert conversation.messages == messages


def test_faults_name_the_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StageError, match="a/b has no column 'text' .columns: body"):
        records(tmp_path, monkeypatch, [{"body": "x"}], language="sc")
    with pytest.raises(StageError, match="fewer than two language columns.*sentence_srd_Latn"):
        records(tmp_path, monkeypatch, [{"x": "y"}], yields="pairs")

    def refuse(*_: Any, **__: Any) -> None:
        raise datasets.exceptions.DatasetNotFoundError("gated")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    source = HubSource(kind="hub", dataset="a/b", license="x", language="sc")
    with pytest.raises(StageError, match=r"sources\.h\.dataset: a/b cannot be read.*hf auth login"):
        list(load(source, intake(source, "h")))
