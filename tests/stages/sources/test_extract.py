"""Text out of HTML and PDF made here."""

import io

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


def test_a_paper_gives_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert extract.pdf(paper()) == Extracted("Su sole essit dae su mare.", 21)
    monkeypatch.setattr(extract, "PAGES", 0)
    with pytest.raises(Unsafe, match="too many pages"):
        extract.pdf(paper())
