"""The report's account of the files: shares by source, the worst files first, what was set apart."""

from pathlib import Path

from llimba.files import read_json
from llimba.stages.corpus.reading import SHOWN, reading
from llimba.stages.corpus.report import report, write_report
from llimba.stages.folders import CorpusFolder, SourcesFolder
from llimba.stages.sources.taken import Files, Taken
from tests.stages.corpus.test_report import corpus as corpus

QUARANTINE = '{"source": "a", "reason": "broken row: x", "rows": 990}\n{"source": "b", "reason": "NUL", "rows": 1}\n'


def sources(folder: Path) -> SourcesFolder:
    found = SourcesFolder(folder)
    with found.files_file.open("w") as handle:
        files = Files("a", handle)
        files.add(Taken("good.pdf", "pdf", 1000, 1000))
        files.add(Taken("<b>.epub", "epub", 700, 1000))
        files.add(Taken("twice.epub", "epub", 5000, 1000))
        files.add(Taken("tiny.epub", "epub", 1, 10))
        files.add(Taken("page.html", "html", 100, 1000))
        files.add(Taken("rows.csv", "csv", 10, 1000, "rows"))
    found.quarantine_file.write_text(QUARANTINE)
    return found


def test_shares_by_source_and_the_worst_files_first(tmp_path: Path) -> None:
    found = reading(sources(tmp_path))
    assert found is not None
    assert [row["file"] for row in found["worst"]] == ["rows.csv", "twice.epub", "<b>.epub"]
    shares = {"characters": round(6801 / 4010, 4), "rows": 0.01}
    assert found["sources"] == [
        {"source": "a", "files": 6, "shares": shares, "set_apart": 990, "far": 3},
        {"source": "b", "files": 0, "shares": {}, "set_apart": 1, "far": 0},
    ]
    assert found["reasons"] == {"broken row": 990, "NUL": 1}


def test_the_list_is_short(tmp_path: Path) -> None:
    found = sources(tmp_path)
    found.files_file.write_text(found.files_file.read_text() * 100)
    read = reading(found)
    assert read is not None
    assert (len(read["worst"]), read["far"]) == (SHOWN, 300)


def test_the_page_shows_it_escaped(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "read").mkdir()
    write_report(report(CorpusFolder(corpus), sources=sources(tmp_path / "read")), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "What was read of the files" in page
    assert "&lt;b&gt;.epub" in page
    assert read_json(tmp_path / "page.json")["reading"]["far"] == 3
    write_report(report(CorpusFolder(corpus)), tmp_path / "page.html")
    assert "What was read" not in (tmp_path / "page.html").read_text()
