"""A manifest proves a stage only while the files it names are there."""

import json
from pathlib import Path

import pytest

from llimba.manifest import read_manifest


@pytest.mark.parametrize(
    ("manifest", "valid"),
    [
        ('{"files": [{"name": "a.txt", "bytes": 3}]}', True),
        ('{"files": [{"name": "a.txt", "bytes": 4}]}', False),
        ('{"files": [{"name": "b.txt", "bytes": 3}]}', False),
        ('{"files": []', False),
        ("[]", False),
    ],
)
def test_validity(tmp_path: Path, manifest: str, valid: bool) -> None:
    (tmp_path / "a.txt").write_text("abc")
    (tmp_path / "manifest.json").write_text(manifest)
    assert read_manifest(tmp_path) == (json.loads(manifest) if valid else None)


def test_absent_is_none(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
