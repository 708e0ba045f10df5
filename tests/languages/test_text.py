"""Words are found in every script; folding finds what two spellings share."""

import pytest

from llimba.languages.text import first_words, fold, repeated_words, words


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("S\u2019\u00c0bba est FRISCA!", "s'abba est frisca", True),
        ("cun su cane", "cun su gatu", False),
        ("a  b", "a b.", True),
    ],
)
def test_fold(one: str, other: str, same: bool) -> None:
    assert (fold(one) == fold(other)) is same


def test_repeated_words_counts_runs_seen_before() -> None:
    assert repeated_words(["a", "b", "c", "d", "e", "f"]) == 0
    assert repeated_words(["a", "b", "c", "d", "a", "b", "c", "d"]) == 0.5
    assert repeated_words([]) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Su sole, s'abba – e tue.", ["Su", "sole,", "s'abba", "–", "e", "tue."]),
        ("वह नदी के पास रहती है।", ["वह", "नदी", "के", "पास", "रहती", "है।"]),
        ("عصرها کتاب می\u200cخوانم", ["عصرها", "کتاب", "می\u200cخوانم"]),
        ("ዛሬ፡ዝናብ፡ይዘንባል።", ["ዛሬ", "ዝናብ", "ይዘንባል።"]),
        ("วันนี้ฝนตก", ["วัน", "นี้", "ฝน", "ตก"]),
        ("我们在河边吃饭。", ["我们", "在", "河", "边", "吃饭"]),
        ("今日は雨です", ["今日", "は", "雨", "です"]),
        ("𠀀𠀁 😀", ["𠀀", "𠀁", "😀"]),  # beyond 16 bits: offsets of UTF-16 are not those of Python
        ("오늘은 비가 온다", ["오늘은", "비가", "온다"]),
        ("བོད་སྐད་", ["བོད", "སྐད"]),
        ("ꦱꦧꦼꦤ꧀", ["ꦱꦧꦼꦤ꧀"]),
        ("ꦲ" * 13, ["ꦲ"] * 13),  # no dictionary: clusters, where a piece is too long for a word
        ("", []),
    ],
)
def test_words_of_every_script(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_zero_width_space_between_words_changes_no_word() -> None:
    assert words("ខ្ញុំ\u200bរស់នៅ\u200bក្នុង\u200bភូមិ") == words("ខ្ញុំរស់នៅក្នុងភូមិ")


def test_the_first_words_of_a_text_are_as_it_writes_them() -> None:
    assert first_words("Su  sole,\ns'abba e tue.", 3) == "Su sole, s'abba"
    assert first_words("我们在河边，吃饭。", 4) == "我们在河边"
    assert first_words("", 4) == ""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("می\u200cخوانم", "میخوانم", True),  # ZWNJ, as a hurried hand leaves it out
        ("כָּל הַלַּיְלָה", "כל הלילה", True),  # points
        ("كِتَابٌ", "كتاب", True),
        ("कितना बड़ा", "कितना बडा", True),  # nukta
        ("नदी", "नदि", False),  # vowel signs are letters
        ("ที่ดี", "ที่ดู", False),
        ("我们在河边，吃饭。", "我们在河边吃饭", True),
        ("ＡＢＣ", "abc", True),
    ],
)
def test_fold_in_other_scripts(one: str, other: str, same: bool) -> None:
    assert (fold(one) == fold(other)) is same
