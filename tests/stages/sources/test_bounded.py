"""Files are read within a budget, and line by line whatever a line holds."""

import bz2
import gzip
import lzma
import os
import random
from pathlib import Path
from typing import Any

import pytest
import zstandard

from llimba.errors import StageError
from llimba.stages.sources import bounded
from llimba.stages.sources.unsafe import Unsafe
from tests.fakes import intake

PACKERS: dict[str, Any] = {
    "": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}  # fmt: skip
TEXT = "\ufeffunu\nduos\r\n\ntres".encode()


@pytest.mark.parametrize("suffix", PACKERS)
def test_every_compression_reads_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.txt{suffix}"
    path.write_bytes(PACKERS[suffix](TEXT))
    reading = intake()
    assert list(bounded.lines(path, reading)) == [(1, "unu"), (2, "duos"), (3, ""), (4, "tres")]
    assert bounded.text_of(bounded.whole(path), path, reading) == "unu\nduos\r\n\ntres"
    assert bounded.kind_of(path) == ".txt"
    assert not reading.quarantined


@pytest.mark.parametrize("suffix", [suffix for suffix in PACKERS if suffix])
def test_a_bomb_stops_and_a_torn_file_gives_what_it_has(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bomb.txt{suffix}"
    path.write_bytes(PACKERS[suffix](b"good\n" + b"\0" * (bounded.FREE_BYTES + 2**21)))
    with pytest.raises(Unsafe, match="decompression bomb"):
        bounded.whole(path)
    reading = intake()
    assert list(bounded.lines(path, reading)) == [(1, "good")]
    assert reading.quarantined.total() == 1
    torn = tmp_path / f"torn.txt{suffix}"
    packed = PACKERS[suffix]("\n".join(f"riga {n} {hash(n * 7919)}" for n in range(100_000)).encode())
    torn.write_bytes(packed[: len(packed) // 2])
    reading = intake()
    assert len(list(bounded.lines(torn, reading))) > 5000
    assert reading.quarantined == {"broken file": 1}


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_every_member_of_a_compressed_file_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.txt{suffix}"
    path.write_bytes(PACKERS[suffix](b"unu\n") + PACKERS[suffix](b"duos\n"))
    assert [line for _, line in bounded.lines(path, intake())] == ["unu", "duos"]


def test_a_damaged_file_counts_the_lines_that_are_lost_in_it(tmp_path: Path) -> None:
    path = tmp_path / "t.txt.gz"
    packed = bytearray(gzip.compress("\n".join(f"riga {n} {hash(n * 7919)}" for n in range(20000)).encode()))
    packed[len(packed) // 2] ^= 255
    packed[len(packed) // 2 + 1] ^= 255
    path.write_bytes(packed)
    reading = intake()
    read = sum(1 for _ in bounded.lines(path, reading))
    assert 0.9 < (read + reading.quarantined.total()) / 20000 < 1.1


def test_carriage_returns_alone_end_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"unu\rduos\rtres")
    assert [line for _, line in bounded.lines(path, intake())] == ["unu", "duos", "tres"]


def test_a_folder_names_what_it_leaves_out(tmp_path: Path) -> None:
    for name in (b"a.txt", b"b.doc", b"c", "è.txt".encode("latin1")):
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).write_text("x")
    reading = intake()
    assert [name for name, _ in bounded.files_of(tmp_path, (".txt",), reading)] == ["a.txt"]
    assert reading.skipped == {"files of other kinds: .doc": 1, "files of other kinds: no suffix": 1}
    assert "rename it, e.g. with convmv" in reading.first_quarantined
    reading.first_quarantined.encode()
    with pytest.raises(StageError, match=r"b\.doc is no file of a kind that is read here \(\.txt\)"):
        bounded.files_of(tmp_path / "b.doc", (".txt",), reading)


def test_bad_lines_go_and_good_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "LINE_BYTES", 100)
    path = tmp_path / "t.txt"
    path.write_bytes("perché\n".encode() * 20 + b"unu\ncaf\xe9\nduos\n" + b"x" * 3_000_000 + b"\ntres\n")
    reading = intake()
    assert list(bounded.lines(path, reading))[20:] == [(21, "unu"), (23, "duos"), (25, "tres")]
    assert reading.quarantined == {"not UTF-8": 1, "line too long": 1}


def test_a_file_read_whole_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "FILE_BYTES", 10)
    (tmp_path / "t.txt").write_bytes(b"x" * 11)
    with pytest.raises(Unsafe, match="too large"):
        bounded.whole(tmp_path / "t.txt")
    with pytest.raises(Unsafe, match="unknown encoding: .* Convert it to UTF-8"):
        bounded.text_of(random.Random(1).randbytes(3000), tmp_path / "t.txt", intake())
