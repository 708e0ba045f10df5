"""How much of each file a reader took is measured, said and, under a half, a reason to set the file apart."""

import json
import logging
from pathlib import Path

import pytest

from llimba.files import read_jsonl
from llimba.recipe import LocalSource
from llimba.stages.sources.extracted import Extracted
from llimba.stages.sources.isolated import Extractor
from llimba.stages.sources.local import load
from llimba.stages.sources.stage import run
from llimba.stages.sources.taken import WARNINGS, Files, Taken
from tests.fakes import intake, recipe, recipe_content, write_text


def test_a_reader_that_loses_text_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shares = {b"1": 1000, b"2": 1200, b"3": 3000}
    monkeypatch.setattr(Extractor, "read", lambda self, kind, data: Extracted("x" * 1000, shares[data], ""))
    for name in shares:
        (tmp_path / f"{name.decode()}.pdf").write_bytes(name)
    source = LocalSource(kind="local", path=tmp_path, language="sc", license="x")
    reading = intake(source, "books")
    with caplog.at_level(logging.WARNING):
        assert [record.id for record in load(source, reading)] == ["books:1.pdf:1", "books:2.pdf:1"]
    assert reading.quarantined == {"text lost in reading": 1}
    assert "3.pdf: text lost in reading: 1,000 of 3,000 characters" in reading.first_quarantined
    assert [message for message in caplog.messages if "2.pdf" in message]
    assert not [message for message in caplog.messages if "1.pdf" in message]


def test_a_few_files_are_said_and_all_are_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (tmp_path / "files.jsonl").open("w") as handle:
        files = Files("s", handle)
        for number in range(20):
            files.add(Taken(f"{number}.epub", "epub", 1, 1000))
    assert len(caplog.messages) == WARNINGS
    assert len(list(read_jsonl(tmp_path / "files.jsonl"))) == 20
    assert files.shares() == {"characters": 0.001}


def test_the_stage_leaves_a_line_a_file_and_the_share_in_its_facts(tmp_path: Path) -> None:
    write_text(tmp_path)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": f"riga {n}"}) + "\n" for n in range(9)) + "{broken\n")
    content = recipe_content(tmp_path)["sources"]
    rows = {"kind": "local", "license": "CC0-1.0", "path": str(path), "language": "sc"}
    facts = run(recipe(tmp_path, sources={**content, "rows": rows}), {}, tmp_path / "out")["sources"]["rows"]
    assert (facts["files"], facts["taken"]) == (1, {"rows": 0.9})
    row = next(row for row in read_jsonl(tmp_path / "out" / "files.jsonl") if row["source"] == "rows")
    assert row == {
        "source": "rows", "file": "rows.jsonl", "kind": "jsonl", "given": 9, "visible": 10, "unit": "rows",
        "encoding": "", "share": 0.9, "far": False,
    }  # fmt: skip
