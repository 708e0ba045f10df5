"""Books as they are packed: every text once and in order, whatever the archive calls its files."""

import io
import zipfile

import pytest

from llimba.stages.sources import epub as module
from llimba.stages.sources.epub import epub
from llimba.stages.sources.extracted import Extracted, characters
from llimba.stages.sources.unsafe import Unsafe
from tests.fakes import SENTENCES

PROSE = [" ".join(SENTENCES["sc"][start : start + 5]) for start in (0, 5)]
OPF = "OEBPS/content.opf"
FONTS = "http://www.idpf.org/2008/embedding"
ENCRYPTED = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#">'
    '<enc:EncryptedData><enc:EncryptionMethod Algorithm="{}"/><enc:CipherData><enc:CipherReference URI="{}"/>'
    "</enc:CipherData></enc:EncryptedData></encryption>"
)


def book(**members: str | bytes) -> bytes:
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


def package(items: str, spine: str) -> str:
    """An OPF file."""
    return (
        '<!DOCTYPE package PUBLIC "+//ISBN 0-9673008-1-9//DTD OEB 1.2 Package//EN" "oebpkg12.dtd"><package>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    text = "\n".join(["Unu", *PROSE])
    assert epub(book()) == Extracted(text, characters(text))


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
        epub(book(**members))


def test_a_book_with_a_dtd_or_too_many_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = '<!DOCTYPE c [<!ENTITY a "b">]><c/>'
    with pytest.raises(Unsafe, match="entity declarations"):
        epub(book(**{"META-INF/container.xml": bad}))
    monkeypatch.setattr(module, "MEMBERS", 3)
    with pytest.raises(Unsafe, match="too many members"):
        epub(book())


A, B = "\n".join(["Unu", PROSE[0]]), PROSE[1]
CHAPTER = f"<html><body><p>{PROSE[1]}</p></body></html>"


ITEM_A = '<item id="a" href="text/a.xhtml"/>'
LATIN = "<?xml version='1.0' encoding='iso-8859-1'?><p>perìgulu</p>".encode("latin-1")
LOOSE = "<html><head><title/></head><p>a&nbsp;&eacute; &amp; &foo; R&D<b>x</p></html>"


@pytest.mark.parametrize(
    ("members", "text"),
    [
        pytest.param(
            {
                OPF: package(
                    '<item id="a" href="text%2Fa.XHTML"/><item id="b" href="./B.xhtml#top" media-type="text/html"/>',
                    '<itemref idref="a"/><itemref idref="b" linear="no"/>',
                )
            },
            f"{A}\n{B}",
            id="names escaped, in another case, a note out of line",
        ),
        pytest.param(
            {
                OPF: package(
                    ITEM_A + '<item id="b" href="b.xhtml" media-type="application/xhtml+xml"/>',
                    '<itemref idref="gone"/><itemref idref="a"/><itemref idref="a"/>',
                )
            },
            f"{A}\n{B}",
            id="entries missing, twice, and forgotten",
        ),
        pytest.param(
            {
                OPF: package(
                    ITEM_A + '<item id="p" href="p.jpg" media-type="image/jpeg" fallback="a"/>', '<itemref idref="p"/>'
                )
            },
            A,
            id="a picture with a page in its place",
        ),
        ({"META-INF/container.xml": "<container/>"}, f"{A}\n{B}"),
        ({"OEBPS/b.xhtml": ("\ufeff" + CHAPTER).encode("utf-16-le")}, f"{A}\n{B}"),
        ({"OEBPS/b.xhtml": b"\xef\xbb\xbf" + CHAPTER.encode()}, f"{A}\n{B}"),
        ({"OEBPS/b.xhtml": LATIN}, f"{A}\nperìgulu"),
        ({"OEBPS/b.xhtml": LOOSE}, f"{A}\na\xa0é & &foo; R&Dx"),
        ({"OEBPS/b.xhtml": ""}, A),
        ({"META-INF/encryption.xml": ENCRYPTED.format(FONTS, "OEBPS/f.otf")}, f"{A}\n{B}"),
    ],
)
def test_packaging_as_real_books_have_it(members: dict[str, str | bytes], text: str) -> None:
    found = epub(book(**members))
    assert (found.text, found.lost) == (text, ())
    assert found.visible == characters(text)


def test_a_chapter_that_is_not_there_is_named() -> None:
    both = '<item id="a" href="text/a.xhtml"/><item id="c" href="c.xhtml"/>'
    found = epub(book(**{OPF: package(both, '<itemref idref="c"/><itemref idref="a"/>')}))
    assert found.text == A
    assert found.lost == ("OEBPS/c.xhtml: named by the book and not in it",)


def test_copy_protection_is_refused() -> None:
    locked = ENCRYPTED.format("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "OEBPS/b.xhtml")
    with pytest.raises(Unsafe, match=r"encrypted: copy protection \(DRM\) locks 1 of 2 documents"):
        epub(book(**{"META-INF/encryption.xml": locked}))


def test_backslashes_and_no_package_at_all() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("text\\2.html", f"<p>{PROSE[1]}</p>")
        archive.writestr("text\\1.html", f"<p>{PROSE[0]}</p>")
    assert epub(made.getvalue()).text == "\n".join(PROSE)
