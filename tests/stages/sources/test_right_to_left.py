"""Glyphs at places become lines as Arabic and Hebrew are read; Latin words and numbers stay as they are."""

import random

import pytest

from llimba.stages.sources.right_to_left import Glyph, logical, mostly, rows

WIDTH = 6.0


def drawn(*visual: str, y: float = 700.0, left: float = 50.0) -> list[Glyph]:
    """Glyphs as they are seen from left to right; an empty one is a gap."""
    return [Glyph(text, left + at * WIDTH, y, left + (at + 1) * WIDTH, 12.0) for at, text in enumerate(visual) if text]


@pytest.mark.parametrize(
    ("visual", "read"),
    [
        ("םולש", "שלום"),
        ("םלוע םולש", "שלום עולם"),
        ("1948 תנשב", "בשנת 1948"),
        ("3.5-1948 תנשב", "בשנת 3.5-1948"),
        (".Coca Cola ותש", "שתו Coca Cola."),
        (")שאה( דיל", "ליד (האש)"),
        ("1950 1948 ןיב", "בין 1948 1950"),
        ("۱۳۴۲ لاس", "سال ۱۳۴۲"),
    ],
)
def test_a_line_is_read_from_the_right(visual: str, read: str) -> None:
    glyphs = drawn(*visual)
    random.Random(1).shuffle(glyphs)
    assert logical(glyphs) == read


def test_a_gap_parts_words_and_ligatures_stay_whole() -> None:
    assert logical(drawn("د", "ل", "و", "لأ", "ا", "", "م", "ن")) == "نم الأولد"
    assert logical(drawn("\ufefb", "\ufe91")) == "بلا"


def test_a_mark_follows_its_letter() -> None:
    letters = drawn("א", "ב")
    assert logical([Glyph("\u05b8", letters[1].x0 + 2, 698, letters[1].x0 + 3, 12), *letters]) == "ב\u05b8א"


def test_lines_are_put_together_from_pieces_and_apart_between_columns() -> None:
    first, second = drawn(*"םולש"), drawn(*"םלוע", left=300)
    below = drawn(*"שמש", y=685)
    glyphs = [*first, *below, *second]
    random.Random(2).shuffle(glyphs)
    assert [logical(row) for row in rows(glyphs)] == ["עולם", "שלום", "שמש"]


def test_what_most_letters_are() -> None:
    assert mostly(["שלום", "a 12"])
    assert not mostly(["Su sole", "שמש"])
    assert not mostly(["12"])
