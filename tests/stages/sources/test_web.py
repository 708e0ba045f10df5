"""Saved pages and WARC files become documents with their addresses; what is broken goes into quarantine."""

import gzip
import io
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from llimba.recipe import WebSource
from llimba.records import Document
from llimba.stages.sources import web
from llimba.stages.sources.intake import Intake
from tests.fakes import intake
from tests.stages.sources.test_extract import PAGE, PROSE


def load(path: Path) -> tuple[list[Document], Intake]:
    source = WebSource(kind="web", path=path, language="sc", license="CC-BY-4.0", norm="is")
    reading: Intake = intake(source, "site")
    found = list(web.load(source, reading))
    return [record for record in found if isinstance(record, Document)], reading


def warc(path: Path, pages: dict[str, tuple[str, bytes]]) -> None:
    with path.open("wb") as handle:
        writer = WARCWriter(handle, gzip=path.suffix == ".gz")
        for url, (status, content) in pages.items():
            headers = StatusAndHeaders(status, [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
            record = writer.create_warc_record(url, "response", payload=io.BytesIO(content), http_headers=headers)
            writer.write_record(record)


def test_a_folder_of_saved_pages(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "sub").mkdir(parents=True)
    (site / "sub" / "a.html").write_bytes(PAGE)
    (site / "b.htm").write_bytes(b"<html><body></body></html>")
    (site / "c.html.gz").write_bytes(
        gzip.compress(PAGE.replace(b"https://example.org/bidda", b"https://example.org/c"))
    )
    (site / "d.css").write_text("x")
    (tmp_path / "outside.html").write_bytes(PAGE)
    (site / "f.html").symlink_to(tmp_path / "outside.html")
    (site / "e.html.gz").write_bytes(gzip.compress(b"\0" * 30_000_000))
    documents, reading = load(site)
    assert [d.provenance for d in documents] == [
        "https://example.org/c (c.html.gz)", "https://example.org/bidda (sub/a.html)"
    ]  # fmt: skip
    assert all(PROSE[0] in d.text and d.norm == "is" for d in documents)
    assert reading.skipped == {
        "files of other kinds: .css": 1, "no prose": 1, "links that lead nowhere or out of the folder": 1,
    }  # fmt: skip
    assert reading.quarantined == {"decompression bomb": 1}


def test_a_warc_file_plain_packed_and_torn(tmp_path: Path) -> None:
    pages = {f"https://example.org/{n}": ("200 OK", PAGE) for n in range(4)}
    pages["https://example.org/gone"] = ("404 Not Found", PAGE)
    for name in ("a.warc", "a.warc.gz"):
        warc(tmp_path / name, pages)
        documents, reading = load(tmp_path / name)
        assert [d.provenance.split()[0] for d in documents] == [f"https://example.org/{n}" for n in range(4)]
        assert len({d.id for d in documents}) == 4
        assert reading.skipped == {"not an HTML page": 1}
        assert not reading.quarantined
    (tmp_path / "junk.warc").write_bytes(b"this is no archive\n" * 50)
    documents, reading = load(tmp_path / "junk.warc")
    assert documents == []
    assert reading.quarantined.total() == 1
