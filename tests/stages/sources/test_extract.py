"""Text out of HTML made here."""

from llimba.stages.sources import extract
from llimba.stages.sources.extracted import Extracted
from tests.fakes import SENTENCES

PROSE = [" ".join(SENTENCES["sc"][start : start + 5]) for start in (0, 5)]
PAGE = (
    "<html><head><title>Sa bidda</title><link rel='canonical' href='https://example.org/bidda'></head><body>"
    "<nav><a href='/'>Menu</a> <a href='/x'>Cuntatos</a></nav><article><h1>Sa bidda</h1>"
    + "".join(f"<p>{paragraph}</p>" for paragraph in PROSE)
    + "</article><footer>Totu sos deretos</footer></body></html>"
).encode()


def test_a_page_gives_its_prose_and_its_address() -> None:
    page = extract.html(PAGE)
    assert all(paragraph in page.text for paragraph in PROSE)
    assert "Menu" not in page.text
    assert "deretos" not in page.text
    assert page.address == "https://example.org/bidda"
    assert extract.html(b"<html></html>", "https://example.org/x") == Extracted("", 0, "https://example.org/x")
