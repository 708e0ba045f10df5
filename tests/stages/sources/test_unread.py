"""Files that are not read are counted with what to do, and named; what systems leave in folders is nobody's text."""

import os
from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.recipe import LocalSource
from llimba.stages.sources.bounded import files_of
from llimba.stages.sources.local import KNOWN, load
from llimba.stages.sources.taken import NAMED, Files
from llimba.stages.sources.unread import HIDDEN, unread
from tests.fakes import intake


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("a/contos.docx", ".docx", ""),
        ("a/...ponents.txt", ".txt", HIDDEN),
        (".git/a.txt", ".txt", HIDDEN),
        ("a/._contos.docx", ".docx", HIDDEN),
        ("__MACOSX/a.docx", ".docx", HIDDEN),
        ("a/~$contos.docx", ".docx", "locks of open documents"),
        ("contos.docx~", ".docx~", "backup copies of editors"),
        ("foglio.xlsx", ".xlsx", "files of other kinds: .xlsx (save each sheet as .csv)"),
        ("verbale.doc", ".doc", "files of other kinds: .doc (save it as .docx or .odt)"),
        ("a.xyz", ".xyz", "files of other kinds: .xyz"),
        ("LEGIMI", "", "files of other kinds: no suffix (give it the suffix of its kind, e.g. .txt)"),
    ],
)
def test_reasons(name: str, kind: str, why: str) -> None:
    assert unread(name, kind, KNOWN) == why


def test_advice_is_for_documents_alone() -> None:
    assert unread("a.jpg", ".jpg", (".html",)) == "files of other kinds: .jpg"


def test_what_is_left_out_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / ".hidden").mkdir(parents=True)
    for name in ("a.txt", "b.markdown", "c.xlsx", ".hidden/d.txt", "~$e.docx"):
        (folder / name).write_text("Su sole essit dae su mare.")
    os.symlink("/etc/hostname", folder / "f.txt")
    os.symlink("/nothing", folder / "g.txt")
    with (tmp_path / "files.jsonl").open("w") as handle:
        source = LocalSource(kind="local", path=folder, language="sc", license="x")
        reading = intake(source)
        reading.files = Files("s", handle)
        assert [record.provenance for record in load(source, reading)] == ["a.txt:1", "b.markdown:1"]
    rows = list(read_jsonl(tmp_path / "files.jsonl"))
    assert {row["file"]: row["left_out"] for row in rows if "left_out" in row} == {
        ".hidden/d.txt": HIDDEN,
        "c.xlsx": "files of other kinds: .xlsx (save each sheet as .csv)",
        "f.txt": "links that lead nowhere or out of the folder",
        "g.txt": "links that lead nowhere or out of the folder",
        "~$e.docx": "locks of open documents",
    }
    assert reading.skipped["links that lead nowhere or out of the folder"] == 2
    assert reading.files.count == 2


def test_of_many_the_first_are_named_and_all_counted(tmp_path: Path) -> None:
    with (tmp_path / "files.jsonl").open("w") as handle:
        reading = intake()
        reading.files = Files("s", handle)
        for number in range(NAMED + 50):
            reading.leave_out(f"{number}.css", ".css", "files of other kinds: .css")
    assert len(list(read_jsonl(tmp_path / "files.jsonl"))) == NAMED
    assert reading.skipped == {"files of other kinds: .css": NAMED + 50}


def test_a_named_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(StageError, match=r"Convert it \(save each sheet as .csv\)"):
        files_of(tmp_path / "a.xlsx", KNOWN, intake())
