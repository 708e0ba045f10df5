"""Files of one's own."""

import gzip
import json
import lzma
import random
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.recipe import LocalSource
from llimba.records import Conversation, Document
from llimba.stages.sources.local import load
from tests.fakes import intake
from tests.stages.sources.test_epub import book
from tests.stages.sources.test_extract import PAGE
from tests.stages.sources.test_pdf import paper


def documents(tmp_path: Path, path: Path, **changes: Any) -> list[Document]:
    source = LocalSource(kind="local", path=path, language="sc", license="CC0-1.0", **changes)
    return list(load(source, intake(source, "mine")))  # type: ignore[arg-type]


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
    (tmp_path / "j.jsonl").write_text('{"txt": 1}\n')
    with pytest.raises(
        StageError, match=r"sources\.mine\.text: .*j\.jsonl has no column 'text': its columns are txt\."
    ):
        documents(tmp_path, tmp_path / "j.jsonl")


def test_conversations_of_a_jsonl_file(tmp_path: Path) -> None:
    row = {"id": 7, "prompt": "Ite est?", "chosen": "Una domo.", "rejected": "Una casa.", "task": "vocabulary"}
    (tmp_path / "talk.jsonl").write_text(json.dumps(row) + "\n")
    source = LocalSource(kind="local", path=tmp_path / "talk.jsonl", yields="conversations", license="CC0-1.0")
    (talk,) = load(source, intake(source, "talk"))
    assert isinstance(talk, Conversation)
    assert talk.contents == ["Ite est?", "Una domo.", "Una casa."]
    assert (talk.id, talk.task, talk.license) == ("talk:talk.jsonl:7", "vocabulary", "CC0-1.0")
    (tmp_path / "a.txt").write_text("x")
    text = LocalSource(kind="local", path=tmp_path / "a.txt", yields="conversations", license="x")
    with pytest.raises(StageError, match=r"a\.txt is no file of a kind that is read here \(\.jsonl, \.ndjson, \.json"):
        list(load(text, intake(text, "talk")))
    folder = LocalSource(kind="local", path=tmp_path, yields="conversations", license="x")
    reading = intake(folder, "talk")
    assert len(list(load(folder, reading))) == 1
    assert reading.skipped == {"files of other kinds: .txt": 1}


def test_a_folder_of_everything(tmp_path: Path) -> None:
    folder = tmp_path / "all"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.md").write_text(
        "---\ntitle: x\n---\n# Su tìtulu\n\nUnu **testu** cun [unu ligàmene](https://x).\n\n```\ncode\n```\n"
    )
    (folder / "b.html").write_bytes(PAGE)
    (folder / "c.epub").write_bytes(book())
    (folder / "d.pdf").write_bytes(paper())
    (folder / "deep" / "e.csv.gz").write_bytes(gzip.compress(b"text\nunu\nduos\n"))
    (folder / "f.txt.xz").write_bytes(lzma.compress(b"tres"))
    (folder / "g.doc").write_bytes(b"x")
    (folder / "h.txt").write_bytes(random.Random(1).randbytes(3000))
    (folder / "i.pdf").write_bytes(b"%PDF-")
    (folder / "outside.txt").symlink_to("/etc/hostname")
    source = LocalSource(kind="local", path=folder, language="sc", license="CC0-1.0")
    reading = intake(source, "mine")
    found = list(load(source, reading))
    texts = {record.provenance: record.text for record in found if isinstance(record, Document)}
    assert list(texts) == [
        "a.md:1",
        "b.html:1",
        "c.epub:1",
        "d.pdf:1",
        "deep/e.csv.gz:2",
        "deep/e.csv.gz:3",
        "f.txt.xz:1",
    ]
    assert texts["a.md:1"] == "Su tìtulu\nUnu testu cun unu ligàmene."
    assert texts["deep/e.csv.gz:3"] == "duos"
    assert reading.skipped == {
        "files of other kinds: .doc (save it as .docx or .odt)": 1, "links that lead nowhere or out of the folder": 1,
    }  # fmt: skip
    assert reading.quarantined == {"unknown encoding": 1, "cut short": 1}
    assert "Convert it to UTF-8" in reading.first_quarantined


def test_a_broken_conversation_goes_into_quarantine(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "completion": "b"}, {"text": "no messages"}, {"messages": [{"role": "user"}]}]
    (tmp_path / "talk.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    source = LocalSource(kind="local", path=tmp_path / "talk.jsonl", yields="conversations", license="CC0-1.0")
    reading = intake(source, "talk")
    assert len(list(load(source, reading))) == 1
    assert reading.quarantined == {"no messages": 1, "broken messages": 1, "not valid JSON": 1}


def test_conversations_of_files_of_one_name_have_ids_of_their_own(tmp_path: Path) -> None:
    for part in ("a", "b"):
        (tmp_path / "in" / part).mkdir(parents=True)
        (tmp_path / "in" / part / "talk.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    source = LocalSource(kind="local", path=tmp_path / "in", yields="conversations", license="CC0-1.0")
    found = load(source, intake(source, "talk"))
    assert [record.id for record in found] == ["talk:a/talk.jsonl:1", "talk:b/talk.jsonl:1"]
