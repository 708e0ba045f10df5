"""Paragraphs are read as UTF-8 and aligned only where they can be trusted."""

from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.stages.sources.html import align, read_pages
from tests.fakes import intake


def page(folder: Path, name: str, *paragraphs: str) -> Path:
    path = folder / name
    path.write_text("<html><body>" + "".join(f"<p>{p}</p>" for p in paragraphs) + "</body></html>", encoding="utf-8")
    return path


def test_letters_and_markup(tmp_path: Path) -> None:
    path = page(tmp_path, "a.html", "Sa <b>limba</b>\n  e s'abba è frisca", "", "duos")
    assert read_pages([path], "//p", intake()) == {
        "page": {"00000": "Sa limba e s'abba è frisca", "00001": "", "00002": "duos"}
    }


def test_untranslated_paragraphs_and_uneven_pages_do_not_pair() -> None:
    pages = {
        "en": {"a": {"0": "one", "1": "two"}, "b": {"0": "x", "1": "y"}},
        "it": {"a": {"0": "uno", "1": "two"}, "b": {"0": "ics", "1": "ipsilon"}},
        "sc": {"a": {"0": "unu", "1": "duos"}, "b": {"0": "tres"}},
    }
    reading = intake()
    aligned = align(pages, "en", reading)
    assert aligned["it"]["a"] == {"0": "uno"}
    assert aligned["sc"]["a"] == {"0": "unu", "1": "duos"}
    assert aligned["sc"]["b"] == {"sc-0": "tres"}
    assert reading.skipped["it: left untranslated"] == 1
    assert reading.skipped["sc: a page with another number of paragraphs"] == 1


def test_a_bad_xpath_is_an_error() -> None:
    with pytest.raises(StageError, match="is not an XPath"):
        read_pages([], "//p[", intake())
