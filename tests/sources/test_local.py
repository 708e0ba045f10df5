"""Files of one's own."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.recipe import LocalSource
from llimba.records import Conversation, Document
from llimba.sources.local import load
from tests.fakes import recipe


def documents(tmp_path: Path, path: Path, **changes: Any) -> list[Document]:
    source = LocalSource(kind="local", path=path, language="sc", license="CC0-1.0", **changes)
    return list(load("mine", source, recipe(tmp_path), Counter(), {}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lines", "texts"), [(0, ["unu\nduos\n\ntres\n"]), (1, ["unu", "duos", "tres"]), (2, ["unu\nduos", "\ntres"])]
)
def test_lines_per_document(tmp_path: Path, lines: int, texts: list[str]) -> None:
    (tmp_path / "t.txt").write_text("unu\nduos\n\ntres\n")
    assert [d.text for d in documents(tmp_path, tmp_path / "t.txt", lines_per_document=lines)] == texts


def test_a_folder_is_read_in_order_and_jsonl_by_column(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.jsonl").write_text('{"body": "duos"}\n{"body": "tres"}\n')
    (tmp_path / "in" / "a.txt").write_text("unu")
    (tmp_path / "in" / "c.doc").write_text("no")
    found = documents(tmp_path, tmp_path / "in", text="body")
    assert [d.text for d in found] == ["unu", "duos", "tres"]
    assert found[2].provenance == "b.jsonl:2"


def test_faults_are_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"sources\.mine\.path: .*absent\.txt does not exist"):
        documents(tmp_path, tmp_path / "absent.txt")
    (tmp_path / "l.txt").write_bytes("perché".encode("latin1"))
    with pytest.raises(StageError, match=r"is not UTF-8 \(byte 5\).*iconv"):
        documents(tmp_path, tmp_path / "l.txt")
    (tmp_path / "j.jsonl").write_text('{"txt": 1}\n')
    with pytest.raises(StageError, match="no column 'text' in row 1 .columns: txt"):
        documents(tmp_path, tmp_path / "j.jsonl")


def test_conversations_of_a_jsonl_file(tmp_path: Path) -> None:
    row = {"id": 7, "prompt": "Ite est?", "chosen": "Una domo.", "rejected": "Una casa.", "task": "vocabulary"}
    (tmp_path / "talk.jsonl").write_text(json.dumps(row) + "\n")
    source = LocalSource(kind="local", path=tmp_path / "talk.jsonl", yields="conversations", license="CC0-1.0")
    (talk,) = load("talk", source, recipe(tmp_path), Counter(), {})
    assert isinstance(talk, Conversation)
    assert talk.contents == ["Ite est?", "Una domo.", "Una casa."]
    assert (talk.id, talk.task, talk.license) == ("talk:talk.jsonl:7", "vocabulary", "CC0-1.0")
    text = LocalSource(kind="local", path=tmp_path, yields="conversations", license="x")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(StageError, match="conversations are read from .jsonl files"):
        list(load("talk", text, recipe(tmp_path), Counter(), {}))
