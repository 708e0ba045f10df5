"""Normalising keeps every letter, mark and digit of Unicode, and the spelling of every script."""

import sys
import unicodedata

import pytest

from llimba.languages.characters import normalize

ASSIGNED = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s\u2019abba", "s'abba"),
        ("e\u0300ssere", "\u00e8ssere"),  # NFC
        ("un\u00adu  a\u200bnnu\t nou ", "unu annu nou"),
        ("a\n\n \nb\x07c", "a\nb c"),
        ("is p\u00ecpios, sos pitzinnos", "is p\u00ecpios, sos pitzinnos"),  # two norms, both left alone
    ],
)
def test_normalize(text: str, expected: str) -> None:
    assert normalize(text) == expected
    assert normalize(expected) == expected


@pytest.mark.parametrize("frame", ["{}", "a{}b", "ख{}ग", "م{}ن", "ก{}ข"])
def test_every_letter_mark_and_digit_survives(frame: str) -> None:
    for character in ASSIGNED:
        if unicodedata.category(character)[0] in "LMN":
            text = unicodedata.normalize("NFC", frame.format(character))
            assert normalize(text, "") == text, f"U+{ord(character):04X}"


def test_only_what_carries_nothing_is_removed() -> None:
    """Between letters of no joining script: what becomes nothing, a space or the end of a line; all else stays."""
    changed = {c: normalize(f"a{c}b", "") for c in ASSIGNED if unicodedata.category(c)[0] != "M"}
    gone = {c for c, found in changed.items() if found == "ab"}
    spaced = {c for c, found in changed.items() if found == "a b"}
    ended = {c for c, found in changed.items() if found == "a\nb"}
    assert {unicodedata.category(c) for c in gone} == {"Cf"}
    assert {unicodedata.category(c) for c in spaced} <= {"Zs", "Cc", "Cf", "So"}
    assert {c for c in spaced if unicodedata.category(c) == "So"} == {"\ufffc"}
    assert ended == set("\n\x0b\x0c\r\x85\u2028\u2029")
    kept = {c for c in ASSIGNED if unicodedata.category(c) == "Cf"} - gone - spaced
    shown = {"\u0600", "\u06dd", "\u070f", "\u08e2", "\U000110bd", "\U00013430", "\U0001bca0"}
    assert shown <= kept, "format characters that are seen, or that shape what is seen, stay"


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخوانم و می\u200cنویسم",  # ZWNJ parts a Persian prefix
        "نه\u200d. ش",  # ZWJ shapes the last letter of an abbreviation
        "ക\u0d4d\u200d പ",  # a chillu of Malayalam, spelled the older way
        "ශ\u0dca\u200dරී",
        "क\u094d\u200dष और क\u094d\u200cष",
        "ብ\u1361ል",
        "👩\u200d🌾 🏳\ufe0f\u200d🌈 1\ufe0f\u20e3",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # the flag of Scotland
        "ᠣᠷᠣᠨ\u202fᠤ ᠨᠡᠷ\u180eᠡ ᠪᠠ\u180bᠠ",  # Mongolian: suffix, vowel separator, variant
        "\u5315\U000e0100\u8fbb\ufe00",  # the variant of an ideograph
        "שָׁלוֹם עוֹלָם",
        "(ABC)\u200f שלום\u200e",
        "\u061c12-05 تاريخ",
        "ខ្ញុំ\u200bរស់នៅ",  # where a word ends, in a script without spaces
        "ɔ̀kɔ́ n̄ g̃",
        "𐐀𝒜\ue000",  # private use carries scripts that Unicode lacks
    ],
)
def test_spelling_that_cannot_be_seen_stays(text: str) -> None:
    wanted = unicodedata.normalize("NFC", text)
    assert normalize(text, "") == wanted
    assert normalize(f"  {text} \u00ad", "") == wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Su so\u200cle es\u200dsit\u200e a\u200fbba", "Su sole essit abba"),  # between letters that nothing joins
        ("a\u200d \u200cb", "a b"),
        (
            "una\u2028duas\u2029tres\x85bator\x0bchimbe\x0cses\r\nsete\roto",
            "una\nduas\ntres\nbator\nchimbe\nses\nsete\noto",
        ),
        ("\x93Eja\x94, at naradu\x85 s\x92abba \x96 5 \x80", "“Eja”, at naradu… s'abba – 5 €"),  # windows-1252
        ("mon\u00ad\ntannas e ri\u00ad\n  os", "montannas e rios"),
        ("\ufeffsa\u2060 domo 1\u20642 f\u2061x", "sa domo 12 fx"),
        ("\u202bשלום\u202c \u2067abc\u2069", "שלום abc"),
        ("a\U000e0061\U000e0062c \U000e0001", "ac"),  # tags that no flag begins hide text
        ("a\ud800b\ufffec", "a\ufffdbc"),
        ("\ufff9漢字\ufffaかんじ\ufffb", "漢字 かんじ"),
        ("ខ្ញុំ\u200b\u200bរស់នៅ។\u200b ក", "ខ្ញុំ\u200bរស់នៅ។ ក"),
        ("फ़ारसी", "फ\u093cारसी"),  # a letter that NFC writes as two
        ("한국", "한국"),
        ("Việt", "Việt"),
    ],
)
def test_litter_goes_and_lines_end(text: str, expected: str) -> None:
    found = normalize(text)
    assert found == expected
    assert normalize(found) == found


def test_the_form_is_nfc_and_not_nfkc() -> None:
    assert normalize("ﬁ ² ½ ﷺ Ａ №") == "ﬁ ² ½ ﷺ Ａ №"


@pytest.mark.parametrize(
    ("apostrophe", "text", "expected"),
    [
        ("'", "s’abba e s`abba", "s'abba e s'abba"),
        ("’", "l'aqua e l`aqua", "l’aqua e l’aqua"),
        ("ʻ", "'O ka ‘ōlelo Hawai`i ma O’ahu.", "ʻO ka ʻōlelo Hawaiʻi ma Oʻahu."),
        ("ʻ", "Ua ʻī: ‘aloha kākou’, a hele.", "Ua ʻī: ‘aloha kākou’, a hele."),
        ("ʼ", "п'ять, м’ята, сімʼя", "пʼять, мʼята, сімʼя"),
        ("ʼ", "Ar c'hi hag ar c’hazh", "Ar cʼhi hag ar cʼhazh"),
        ("ʼ", "K'iche' tzij", "Kʼicheʼ tzij"),
        ("", "oʻzbek maʼno o'g'il", "oʻzbek maʼno o'g'il"),  # two letters that one key writes: nothing is decided
        ("'", "sʼabba", "s'abba"),
        (None, "oʻzbek maʼno, l’acqua", "oʻzbek maʼno, l'acqua"),  # another language: a letter may be a letter
        ("'", "वह ‘अच्छा’ है。他说‘好’。", "वह ‘अच्छा’ है。他说‘好’。"),  # no apostrophe there: quotation marks
    ],
)
def test_apostrophes_are_those_of_the_language(apostrophe: str | None, text: str, expected: str) -> None:
    assert normalize(text, apostrophe) == expected
    assert normalize(expected, apostrophe) == expected
