"""The report adds up to the corpus, shows what was lost, and holds nothing from elsewhere."""

import re
from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.files import read_json, read_jsonl
from llimba.manifest import write_manifest
from llimba.stages.corpus.report import rejected_rows, report, shown_text, write_report
from llimba.stages.folders import CorpusFolder
from tests.fakes import manifest, recipe, tiny_tokenizer
from tests.stages.corpus.test_stage import planted


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A finished corpus folder, manifest included."""
    from llimba.stages.corpus.stage import run

    facts = run(recipe(tmp_path), planted(tmp_path), tmp_path / "corpus")
    write_manifest(tmp_path / "corpus", manifest("corpus", facts=facts))
    return tmp_path / "corpus"


def test_numbers_are_those_of_the_files(corpus: Path) -> None:
    found = report(CorpusFolder(corpus), tiny_tokenizer())
    texts = [row["text"] for row in read_jsonl(corpus / "documents.jsonl")]
    assert found["totals"]["documents"] == len(texts)
    assert found["totals"]["words"] == sum(len(text.split()) for text in texts)
    assert found["totals"]["bytes"] == sum(len(text.encode()) for text in texts)
    fertility = found["fertility"]["sc"]
    assert fertility["bytes_per_token"] == 1.0  # the tiny tokenizer has a token a byte
    assert found["totals"]["tokens"] == pytest.approx(found["totals"]["bytes"], rel=1e-3)
    for rows in found["tables"].values():
        assert sum(row["words"] for row in rows) == found["totals"]["words"]
    assert sum(number for _, number in found["lengths"]["sc"]) == len(texts)
    assert set(found["rejected"]) == {"too short", "near-duplicate", "duplicate", "contaminated"}


def test_the_page_is_whole_in_itself_and_escapes_what_it_shows(corpus: Path, tmp_path: Path) -> None:
    found = report(CorpusFolder(corpus))
    found["examples"]["sc"] = ["<script>alert(1)</script>"]
    write_report(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert not re.search(r"(src|href)=|@import|url\(", page)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "Not measured" in page
    assert read_json(tmp_path / "page.json")["totals"] == found["totals"]


def test_samples_are_of_the_rule_and_spread(corpus: Path) -> None:
    assert [row["record"]["id"] for row in rejected_rows(CorpusFolder(corpus), "too short", 5)] == ["short"]
    assert len(rejected_rows(CorpusFolder(corpus), None, 2)) == 2
    assert len(rejected_rows(CorpusFolder(corpus), None, 100)) == 5
    with pytest.raises(StageError, match="nothing was rejected under 'x'.*'contaminated' \(2\)"):
        rejected_rows(CorpusFolder(corpus), "x", 1)


def test_an_unfinished_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no finished corpus"):
        report(CorpusFolder(tmp_path))


def test_records_of_all_types_are_shown() -> None:
    assert shown_text({"text": "x" * 500}, 10) == "x" * 10 + " ..."
    assert shown_text({"texts": {"sc": "a", "it": "b"}}) == "sc: a | it: b"
    assert shown_text({"messages": [{"role": "user", "content": "a"}]}) == "user: a"
