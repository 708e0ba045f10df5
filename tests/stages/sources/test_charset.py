"""Bytes become characters by what they are, whatever is declared of them."""

import random

import pytest

from llimba.stages.sources.charset import Choice, declared_in, decode, named
from llimba.stages.sources.unsafe import Unsafe

TEXT = "Su mangianu fiat bellu, e sa gente fiat essida: “est perìgulu”, at naradu sa mama – e puru su cane…"
LETTERS = "abcdefghijlmnopqrstuvxzàèìòù"
META = (
    '<html><head><meta http-equiv="Content-Type" content="text/html; charset={}"></head><body><p>{}</p></body></html>'
)


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ('TEXT/HTML; Charset="ISO-8859-2"', "ISO-8859-2"),
        ("text/html;charset=utf-8", "utf-8"),
        ("text/html; boundary=x; charset = 'koi8-r'", "koi8-r"),
        ("text/html", ""),
    ],
)
def test_the_charset_of_a_media_type(kind: str, label: str) -> None:
    assert declared_in(kind) == label


def test_labels_mean_what_they_mean_to_browsers() -> None:
    meanings = {
        "iso-8859-1": "windows-1252", "LATIN1": "windows-1252", "us-ascii": "windows-1252", "utf8": "utf-8",
        "gb2312": "gb18030", "sjis": "shift_jis", "ks_c_5601-1987": "euc-kr", "tis-620": "windows-874",
        "iso-8859-9": "windows-1254", "cp850": "cp850", "UTF-32": "utf-32-le", "none": "", "zip": "",
        "rot13": "", "utf-7": "",
    }  # fmt: skip
    assert {label: named(label) for label in meanings} == meanings


@pytest.mark.parametrize("label", ["iso-8859-1", "windows-1252", "utf-8", "windows-1250", "nonsense", ""])
def test_a_page_is_read_right_whatever_its_head_and_its_server_declare(label: str) -> None:
    page = META.format(label, TEXT).encode("cp1252")
    for declared in ("", "ISO-8859-1", "utf-8", "windows-1251"):
        found = decode(page, declared, LETTERS, page=True)
        assert TEXT in found.text
        assert found.choice.encoding == "windows-1252"
        first = declared or label
        assert found.choice.overruled == ("" if first.lower() in ("iso-8859-1", "windows-1252") else first)


def test_utf_8_declared_as_latin_1_is_utf_8() -> None:
    assert decode(TEXT.encode(), "iso-8859-1").choice == Choice("utf-8", "iso-8859-1")
    assert decode(b"plain", "iso-8859-1").choice == Choice("utf-8")  # the same in both
    # decoded wrongly before it was saved: left as it is
    assert decode("perÃ¬gulu".encode()).text == "perÃ¬gulu"


def test_nearly_utf_8_is_utf_8_and_what_is_broken_is_counted() -> None:
    data = (TEXT * 10).encode() + b"\x92 e \xe0"
    found = decode(data)
    assert (found.choice.encoding, found.replaced) == ("utf-8", 2)
    assert found.text == TEXT * 10 + "\ufffd e \ufffd"
    assert decode("a \ufffd ì".encode()).replaced == 0  # it was there before


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-be"])
def test_marks_and_wide_encodings(encoding: str) -> None:
    for declared in ("", "utf-8", "iso-8859-1", "utf-16"):
        assert decode(TEXT.encode(encoding), declared).text == TEXT
    assert decode(META.format("utf-16", TEXT).encode(), page=True).choice == Choice("utf-8")


def test_a_stray_zero_byte_makes_no_utf_16() -> None:
    for text in (b"unu\0duos tres " * 9, b"te\0xt\nunu\n" * 50, TEXT.encode() + b"\0"):
        assert decode(text).text == text.decode()


def test_what_is_no_text_is_refused() -> None:
    for number in range(5):
        with pytest.raises(Unsafe, match="unknown encoding"):
            decode(random.Random(number).randbytes(3000))
    assert decode(b"").text == ""
