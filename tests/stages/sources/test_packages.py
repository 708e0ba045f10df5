"""Aligned strings of packages become documents and pairs."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.packages import Fetched
from llimba.recipe import PackageSource
from llimba.records import Document, Pair
from llimba.stages.sources import packages
from tests.fakes import intake


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for locale, text in (
        ("sc", "a = Serra\nb = Aberi sa ventana\nc = Tools"),
        ("en", "a = Close\nb = Open window\nc = Tools"),
    ):
        with zipfile.ZipFile(tmp_path / f"langpack-{locale}@x.xpi", "w") as archive:
            archive.writestr(f"localization/{locale}/m.ftl", text + "\n")
    monkeypatch.setattr(packages, "fetch", lambda *_: Fetched("x", "x_1.deb", "0" * 64, tmp_path))
    return tmp_path


def source(**changes: Any) -> PackageSource:
    settings: dict[str, Any] = {
        "kind": "package", "client": "apt", "packages": ["x"], "format": "mozilla", "license": "MPL-2.0",
        "paths": {"sc": "langpack-sc@*.xpi", "en": "langpack-en@*.xpi"}, "documents": ["sc"], "pairs": ["sc", "en"],
    }  # fmt: skip
    return PackageSource(**{**settings, **changes})


def test_documents_and_pairs(unpacked: Path) -> None:
    reading = intake(source(), "ff")
    records = list(packages.load(source(), reading))
    (document,) = [r for r in records if isinstance(r, Document)]
    assert document.text == "Serra\nAberi sa ventana"  # "Tools" was left untranslated
    assert document.provenance == "x_1.deb: localization/m.ftl"
    pairs = [r.texts for r in records if isinstance(r, Pair)]
    assert pairs == [{"sc": "Serra", "en": "Close"}, {"sc": "Aberi sa ventana", "en": "Open window"}]
    assert reading.fetched == [{"package": "x", "file": "x_1.deb", "sha256": "0" * 64}]


def test_a_pattern_that_matches_nothing_is_named(unpacked: Path) -> None:
    with pytest.raises(StageError, match=r"sources\.ff\.paths\.sc: nothing in x matches 'other"):
        list(packages.load(source(paths={"sc": "other*"}), intake(name="ff")))
