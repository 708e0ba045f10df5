"""Files are read within a budget, and line by line whatever a line holds."""

import bz2
import gzip
import lzma
from pathlib import Path
from typing import Any

import pytest
import zstandard

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
    assert bounded.text_of(bounded.whole(path)) == "unu\nduos\r\n\ntres"
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
    packed = PACKERS[suffix]("\n".join(f"riga {n} {hash(n * 7919)}" for n in range(20000)).encode())
    torn.write_bytes(packed[: len(packed) // 2])
    reading = intake()
    list(bounded.lines(torn, reading))
    # a frame of zstandard that ends early is not told by its reader; the text up to there is whole
    assert reading.quarantined.total() == (0 if suffix == ".zst" else 1)


def test_bad_lines_go_and_good_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "LINE_BYTES", 100)
    path = tmp_path / "t.txt"
    path.write_bytes(b"unu\ncaf\xe9\nduos\n" + b"x" * 3_000_000 + b"\ntres\n")
    reading = intake()
    assert list(bounded.lines(path, reading)) == [(1, "unu"), (3, "duos"), (5, "tres")]
    assert reading.quarantined == {"not UTF-8": 1, "line too long": 1}


def test_a_file_read_whole_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "FILE_BYTES", 10)
    (tmp_path / "t.txt").write_bytes(b"x" * 11)
    with pytest.raises(Unsafe, match="too large"):
        bounded.whole(tmp_path / "t.txt")
    with pytest.raises(Unsafe, match="not UTF-8: byte 3. Convert it, e.g. with iconv"):
        bounded.text_of(b"caf\xe9")
