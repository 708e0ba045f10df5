"""WARC records as servers and crawlers leave them: packed in several ways, torn, without a type, in old encodings."""

import gzip
import io
import zlib
from pathlib import Path

import brotli
import pytest
import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from llimba.recipe import WebSource
from llimba.records import Document
from llimba.stages.sources import warc, web
from llimba.stages.sources.intake import Intake
from tests.fakes import intake

PROSE = (
    "Sa gente fiat essida a caminare a curtzu de su mare: “est perìgulu”, at naradu sa mama, e puru su cane timiat. "
)
PAGE = f"<html><head><title>x</title></head><body><article><p>{PROSE * 3}</p></article></body></html>"
DEFLATED = zlib.compress(PAGE.encode())


def write(path: Path, *records: tuple[dict[str, str], bytes], kind: str = "response") -> None:
    with path.open("wb") as handle:
        writer = WARCWriter(handle, gzip=path.suffix == ".gz")
        for number, (headers, content) in enumerate(records):
            sent = StatusAndHeaders("200 OK", list(headers.items()), protocol="HTTP/1.1")
            record = writer.create_warc_record(
                f"https://example.org/{number}", kind, payload=io.BytesIO(content), http_headers=sent
            )
            writer.write_record(record)


def read(path: Path) -> tuple[list[Document], Intake]:
    source = WebSource(kind="web", path=path, language="sc", license="CC0-1.0")
    reading: Intake = intake(source, "site")
    return [record for record in web.load(source, reading) if isinstance(record, Document)], reading


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Encoding": "gzip"}, gzip.compress(PAGE.encode())),
        ({"Content-Encoding": "X-GZIP"}, gzip.compress(PAGE[:90].encode()) + gzip.compress(PAGE[90:].encode())),
        ({"Content-Encoding": "deflate"}, DEFLATED),
        ({"Content-Encoding": "deflate"}, DEFLATED[2:-4]),
        ({"Content-Encoding": "br"}, brotli.compress(PAGE.encode())),
        ({"Content-Encoding": "zstd"}, zstandard.ZstdCompressor().compress(PAGE.encode())),
        ({"Content-Encoding": "gzip"}, PAGE.encode()),
        ({"Content-Encoding": "identity"}, PAGE.encode()),
        ({"Transfer-Encoding": "Chunked"}, b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE.encode()), PAGE.encode())),
        (
            {"Transfer-Encoding": "chunked", "Content-Encoding": "br"},
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(brotli.compress(PAGE.encode())), brotli.compress(PAGE.encode())),
        ),
    ],
)
@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
def test_whatever_the_server_packed_it_with(tmp_path: Path, name: str, headers: dict[str, str], content: bytes) -> None:
    write(tmp_path / name, ({"Content-Type": "text/html"} | headers, content))
    documents, reading = read(tmp_path / name)
    assert [PROSE.strip() in document.text for document in documents] == [True], reading.first_quarantined
    assert documents[0].provenance == f"https://example.org/0 ({name}, offset 0)"


@pytest.mark.parametrize(
    "kind", ["TEXT/HTML", 'Text/Html; Charset="Windows-1252"', "application/xhtml+xml;charset=iso-8859-1", ""]
)
def test_types_of_any_case_and_none(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.warc.gz"
    page = PAGE if "charset" in kind.lower() else PAGE.replace("<title>", "<meta charset=latin1><title>")
    picture = ({"Content-Type": "image/png"}, b"<html>")
    write(path, ({"Content-Type": kind} if kind else {}, page.encode("cp1252")), ({}, b"\x89PNG"), picture)
    documents, reading = read(path)
    assert [PROSE.strip() in document.text for document in documents] == [True]
    assert documents[0].provenance.endswith("offset 0, windows-1252)")
    assert reading.skipped == {"not an HTML page": 2}
    assert reading.encodings == {"windows-1252": 1}


def test_a_charset_that_is_wrong_is_overruled_and_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.warc", ({"Content-Type": "text/html; charset=utf-8"}, PAGE.encode("cp1252")))
    documents, reading = read(tmp_path / "a.warc")
    assert PROSE.strip() in documents[0].text
    assert reading.encodings == {"windows-1252, declared utf-8": 1}
    assert reading.first_overruled == "a.warc:offset 0 declares utf-8 and is windows-1252"


def test_what_is_torn_or_broken_costs_its_record(tmp_path: Path) -> None:
    good = ({"Content-Type": "text/html"}, PAGE.encode())
    broken = [
        ({"Content-Type": "text/html", "Content-Encoding": coding}, data)
        for coding, data in (
            ("gzip", gzip.compress(PAGE.encode())[:-30]),
            ("br", brotli.compress(PAGE.encode())[:-30]),
            ("zstd", b"\x28\xb5\x2f\xfdxx"),
            ("aes128gcm", b"xx"),
        )
    ]
    write(tmp_path / "a.warc", good, *broken, good)
    documents, reading = read(tmp_path / "a.warc")
    assert len(documents) == 2
    assert reading.quarantined == {"broken content": 3, "unknown content coding": 1}
    for name in ("a.warc", "a.warc.gz"):
        write(tmp_path / name, good, good)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: -len(whole) // 4])
        documents, reading = read(tmp_path / name)
        assert len(documents) == 1
        assert reading.quarantined.total() == 1, name


def test_a_revisit_is_counted_and_a_bomb_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.warc", ({"Content-Type": "text/html"}, b""), kind="revisit")
    assert read(tmp_path / "a.warc")[1].skipped == {warc.REVISIT: 1}
    for coding, data in (
        ("gzip", gzip.compress(b"<p>" * 20_000_000)),
        ("br", brotli.compress(b"<p>" * 20_000_000)),
        ("zstd", zstandard.ZstdCompressor().compress(b"<p>" * 20_000_000)),
    ):
        write(tmp_path / "a.warc", ({"Content-Type": "text/html", "Content-Encoding": coding}, data))
        assert read(tmp_path / "a.warc")[1].quarantined == {"decompression bomb": 1}
