"""Text out of HTML, EPUB and PDF made here; archives that bomb or climb are refused."""

import io
import zipfile

import pytest

from llimba.stages.sources import extract
from llimba.stages.sources.extracted import Extracted
from llimba.stages.sources.unsafe import Unsafe
from tests.fakes import SENTENCES

PROSE = [" ".join(SENTENCES["sc"][start : start + 5]) for start in (0, 5)]
PAGE = (
    "<html><head><title>Sa bidda</title><link rel='canonical' href='https://example.org/bidda'></head><body>"
    "<nav><a href='/'>Menu</a> <a href='/x'>Cuntatos</a></nav><article><h1>Sa bidda</h1>"
    + "".join(f"<p>{paragraph}</p>" for paragraph in PROSE)
    + "</article><footer>Totu sos deretos</footer></body></html>"
).encode()


def book(**members: str) -> bytes:
    """An EPUB of two chapters, its spine in the other order than its manifest."""
    files = {
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/content.opf"/></rootfiles></container>',
        "OEBPS/content.opf": '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="b" href="b.xhtml"/>'
        '<item id="a" href="text/a.xhtml"/></manifest><spine><itemref idref="a"/>'
        '<itemref idref="b"/></spine></package>',
        "OEBPS/text/a.xhtml": f"<html><body><h1>Unu</h1><p>{PROSE[0]}</p></body></html>",
        "OEBPS/b.xhtml": f"<html><body><p>{PROSE[1]}</p></body></html>",
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, **members}.items():
            archive.writestr(name, content)
    return made.getvalue()


def paper(text: str = "Su sole essit dae su mare.") -> bytes:
    """A PDF of one page, written by hand."""
    stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode("latin1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    out, offsets = io.BytesIO(b"%PDF-1.4\n"), []
    out.seek(0, 2)
    for number, content in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = out.tell()
    out.write(b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in offsets))
    out.write(b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)
    return out.getvalue()


def test_a_page_gives_its_prose_and_its_address() -> None:
    page = extract.html(PAGE)
    assert all(paragraph in page.text for paragraph in PROSE)
    assert "Menu" not in page.text
    assert "deretos" not in page.text
    assert page.address == "https://example.org/bidda"
    assert extract.html(b"<html></html>", "https://example.org/x") == Extracted("", 0, "https://example.org/x")


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    assert extract.epub(book()).text == "\n".join(["Unu", *PROSE])


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"OEBPS/b.xhtml": "x" * 80_000_000}, "decompression bomb"),
        ({"OEBPS/b.xhtml": " " * 5_000_000}, "decompression bomb"),
        (
            {"META-INF/container.xml": '<c xmlns="x:y"><y:rootfile xmlns:y="y" full-path="../../etc/passwd"/></c>'},
            "climbs",
        ),
    ],
)
def test_a_book_that_bombs_or_climbs_is_refused(members: dict[str, str], reason: str) -> None:
    with pytest.raises(Unsafe, match=reason):
        extract.epub(book(**members))


def test_a_book_with_a_dtd_or_too_many_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = '<!DOCTYPE c [<!ENTITY a "b">]><c/>'
    with pytest.raises(ValueError, match="DTDForbidden"):
        extract.epub(book(**{"META-INF/container.xml": bad}))
    monkeypatch.setattr(extract, "MEMBERS", 3)
    with pytest.raises(Unsafe, match="too many members"):
        extract.epub(book())


def test_a_paper_gives_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert extract.pdf(paper()) == Extracted("Su sole essit dae su mare.", 21)
    monkeypatch.setattr(extract, "PAGES", 0)
    with pytest.raises(Unsafe, match="too many pages"):
        extract.pdf(paper())
