"""A manifest proves a stage only while it is whole and the files it names are there."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.files import read_json, write_json
from llimba.manifest import read_manifest, write_manifest
from tests.fakes import manifest

A_FILE = {"name": "a.txt", "bytes": 3, "sha256": "0"}


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc")
    made = manifest("cpt", files=[A_FILE], needs={"corpus": "c"}, facts={"steps": 3})
    write_manifest(tmp_path, made)
    assert read_manifest(tmp_path) == made
    assert set(read_json(tmp_path / "manifest.json")["ingredients"]) == {"section", "needs", "version", "files"}


@pytest.mark.parametrize(
    "damage",
    [
        {"files": [{**A_FILE, "bytes": 4}]},
        {"files": [{**A_FILE, "name": "b.txt"}]},
        {"files": "no list"},
        {"seconds": "long"},
    ],
)
def test_a_manifest_that_is_not_right_proves_nothing(tmp_path: Path, damage: dict[str, Any]) -> None:
    (tmp_path / "a.txt").write_text("abc")
    write_manifest(tmp_path, manifest("cpt", files=[A_FILE]))
    write_json(tmp_path / "manifest.json", read_json(tmp_path / "manifest.json") | damage)
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize("text", ['{"files": []', "[]", "{}", ""])
def test_what_is_no_manifest_proves_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert read_manifest(tmp_path) is None


def test_absent_is_none(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None


@dataclasses.dataclass(frozen=True)
class Steps:
    steps: int


def test_facts_are_read_as_a_stages_own_type() -> None:
    assert manifest("cpt", facts={"steps": 3}).facts_as(Steps) == Steps(3)
    with pytest.raises(StageError, match=r"cpt \(cpt0123\) was finished by another version of llimba \(steps\)"):
        manifest("cpt", facts={"step": 3}).facts_as(Steps)
