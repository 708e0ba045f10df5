"""What the report says of the files: outcomes, reasons, what was kept of each; of many, those with something wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from llimba.files import read_json
from llimba.stages.corpus.reading import LISTED, WORST, reading
from llimba.stages.corpus.report import report, write_report
from llimba.stages.folders import CorpusFolder, SourcesFolder
from llimba.stages.sources.taken import Files, Taken
from tests.stages.corpus.test_report import corpus as corpus


def written(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def document(file: str, text: str = "Su sole essit", source: str = "a") -> dict[str, Any]:
    return {"id": f"{source}:{file}", "source": source, "text": text}


@pytest.fixture
def sources(tmp_path: Path) -> SourcesFolder:
    (tmp_path / "read").mkdir()
    found = SourcesFolder(tmp_path / "read")
    with found.files_file.open("w") as handle:
        files = Files("a", handle)
        for name in ("whole.pdf", "<b>.docx", "twin.docx", "empty.txt", "a:b.txt"):
            files.add(Taken(name, "pdf", 0 if name == "empty.txt" else 1000, 0 if name == "empty.txt" else 1000))
        files.add(Taken("rows.csv", "csv", 10, 1000, "rows"))
        files.leave_out("c.xlsx", "xlsx", "files of other kinds: .xlsx (save each sheet as .csv)")
        untraced = Files("b", handle)
        untraced.add(Taken("pairs.tmx", "tmx", 9, 10, "rows"))
        untraced.add(Taken("good.tmx", "tmx", 10, 10, "rows"))
    apart = {"source": "a", "place": "", "rows": 1}
    written(
        found.quarantine_file,
        [
            {**apart, "name": "rows.csv", "place": "line 3", "reason": "broken row: x", "rows": 990},
            {**apart, "name": "whole.pdf:1", "reason": "NUL character"},
            {**apart, "name": "scan.pdf", "reason": "scanned: run OCR"},
            {**apart, "name": "pairs.tmx", "place": "unit 3", "reason": "broken unit: y", "source": "b"},
        ],
    )
    return found


@pytest.fixture
def kept(tmp_path: Path) -> CorpusFolder:
    (tmp_path / "kept").mkdir()
    found = CorpusFolder(tmp_path / "kept")
    written(found.documents_file, [document("<b>.docx:1"), document("rows.csv:1"), document("a:b.txt:1:2")])
    written(found.held_out_file, [document("whole.pdf:1")])
    written(found.conversations_file, [])
    rejected = {"record": document("twin.docx:1"), "rule": "near-duplicate", "beside": "a:<b>.docx:1"}
    short = {"record": document("rows.csv:2"), "rule": "too short", "beside": ""}
    written(found.rejected_file, [rejected, short, short])
    return found


def test_what_came_of_each(sources: SourcesFolder, kept: CorpusFolder) -> None:
    found = reading(sources, kept)
    assert found is not None
    files = {row["file"]: (row["outcome"], row["words"], row["why"]) for row in found["files"]}
    assert files == {
        "scan.pdf": ("set apart", 0, ["scanned: run OCR"]),
        "empty.txt": ("nothing kept", 0, ["no text in it"]),
        "twin.docx": ("nothing kept", 0, ["near-duplicate", "the same as <b>.docx"]),
        "pairs.tmx": ("kept in part", 0, ["1 set apart: broken unit: y"]),
        "rows.csv": (
            "kept in part", 3, ["too short (2 documents)", "990 set apart: broken row: x", "1% of its rows were read"],
        ),
        "whole.pdf": ("kept in part", 3, ["1 set apart: NUL character"]),
        "c.xlsx": ("left out", 0, ["files of other kinds: .xlsx (save each sheet as .csv)"]),
        "<b>.docx": ("kept", 3, []),
        "a:b.txt": ("kept", 3, []),
        "good.tmx": ("kept", 0, []),
    }  # fmt: skip
    assert list(files) == [row["file"] for row in found["files"]]
    assert found["outcomes"] == {"set apart": 1, "nothing kept": 2, "kept in part": 3, "left out": 1, "kept": 3}
    first = found["sources"][0]
    assert (first["files"], first["shares"], first["set_apart"]) == (6, {"characters": 1.0, "rows": 0.01}, 992)
    assert found["reasons"]["broken row"] == 990


def test_of_many_files_those_that_something_is_wrong_with(sources: SourcesFolder, kept: CorpusFolder) -> None:
    with sources.files_file.open("a") as handle:
        files = Files("a", handle)
        for number in range(LISTED):
            files.add(Taken(f"{number}.epub", "epub", 1000 + number, 1000))
    written(kept.documents_file, [document(f"{number}.epub:1") for number in range(LISTED)])
    found = reading(sources, kept)
    assert found is not None
    assert found["outcomes"]["kept in part"] > WORST
    shown = [row["file"] for row in found["files"] if row["source"] == "a" and row["outcome"] == "kept in part"]
    assert (len(shown), "299.epub" in shown, "150.epub" in shown) == (WORST, True, False)
    assert not [row for row in found["files"] if row["source"] == "a" and row["outcome"] == "kept"]


def test_the_page_shows_it_escaped(corpus: Path, sources: SourcesFolder, tmp_path: Path) -> None:
    write_report(report(CorpusFolder(corpus), sources=sources), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "What came of the files" in page
    assert "&lt;b&gt;.docx" in page
    assert "save each sheet as .csv" in page
    assert read_json(tmp_path / "page.json")["reading"]["outcomes"]["left out"] == 1
    write_report(report(CorpusFolder(corpus)), tmp_path / "page.html")
    assert "What came of the files" not in (tmp_path / "page.html").read_text()
