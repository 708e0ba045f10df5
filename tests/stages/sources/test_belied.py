"""Files that are not what their suffix says, or end too early, are set apart in words that help."""

import io
import zipfile

import pytest

from llimba.stages.sources.belied import EMPTY, LOCKED, OLE, belied
from llimba.stages.sources.isolated import Extractor
from llimba.stages.sources.unsafe import Unsafe


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in members.items():
            packed.writestr(name.replace("__", "/"), data)
    return out.getvalue()


LOCKED_ODT = io.BytesIO()
with zipfile.ZipFile(LOCKED_ODT, "w") as packed:
    packed.writestr("META-INF/manifest.xml", "<m:file-entry><m:encryption-data/></m:file-entry>")
    packed.writestr("content.xml", b"\x8f\x01")


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("docx", b"", EMPTY),
        ("pdf", b"", EMPTY),
        ("docx", OLE + b"\0" * 600, "not .docx: a file of an old Office"),
        ("docx", OLE + b"\0" * 600 + LOCKED, "encrypted: "),
        ("odt", LOCKED_ODT.getvalue(), "encrypted: "),
        ("pdf", b"<!DOCTYPE html><html><body>404</body></html>", "not .pdf: it is a web page"),
        ("docx", b"{\\rtf1 Su sole}", "not .docx: it is RTF: give it the suffix .rtf"),
        ("rtf", zipped(a=b"x"), "not .rtf: it is a zip archive"),
        ("docx", zipped(a=b"x" * 5000)[:3000], "cut short: "),
        ("docx", zipped(a=b"x"), "broken file: no word/document.xml in it"),
        ("epub", b"Su sole essit dae su mare.", "broken file: "),
    ],
)
def test_reasons(kind: str, data: bytes, reason: str) -> None:
    with Extractor() as extractor, pytest.raises(Unsafe) as caught:
        extractor.read(kind, data)
    assert str(caught.value).startswith(reason)


def test_a_good_file_is_not_suspected() -> None:
    assert belied("docx", zipped(a=b"x")) == ""
    assert belied("pdf", b"%PDF-1.4\n1 0 obj\n%%EOF\n") == ""
