"""Normalising keeps the spelling; folding finds what two spellings share."""

import pytest

from llimba.languages.text import fold, normalize, repeated_words


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
