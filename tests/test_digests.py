"""A file that is not what was written is named; what was read once is not read again while nothing has touched it."""

import os
from pathlib import Path

import pytest

from llimba import digests, files
from llimba.digests import changed, record, recorded_change, remember


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "sub" / "b").write_bytes(b"two")
    return tmp_path


def listed(folder: Path) -> dict[str, str]:
    return {name: files.sha256(folder / name) for name in ("a", "sub/b")}


def test_a_byte_changed_at_the_same_size_and_time_is_found(folder: Path) -> None:
    known = listed(folder)
    before = (folder / "a").stat()
    (folder / "new").write_bytes(b"onE")
    os.replace(folder / "new", folder / "a")
    os.utime(folder / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changed(folder, known) == "a"


def test_a_file_that_is_gone_is_found(folder: Path) -> None:
    known = listed(folder)
    (folder / "sub" / "b").unlink()
    assert changed(folder, known) == "sub/b"


def test_what_was_read_is_remembered_and_read_again_once_touched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known, read = listed(folder), list[str]()
    monkeypatch.setattr(digests, "sha256", lambda path: read.append(path.name) or files.sha256(path))
    assert changed(folder, known) is None
    assert read == ["a", "b"]
    assert changed(folder, known) is None
    assert read == ["a", "b"]
    os.utime(folder / "a")
    assert changed(folder, known) is None
    assert read == ["a", "b", "a"]
    (folder / digests.VERIFIED).write_text("{broken")
    assert changed(folder, known) is None
    assert read == ["a", "b", "a", "a", "b"]
    remember(folder, known)
    assert changed(folder, known) is None
    assert len(read) == 5


def test_a_folder_can_hold_its_own_digests(folder: Path) -> None:
    assert recorded_change(folder) is None, "nothing was recorded"
    record(folder)
    assert recorded_change(folder) is None
    (folder / "sub" / "b").write_bytes(b"twO")
    assert recorded_change(folder) == "sub/b"
