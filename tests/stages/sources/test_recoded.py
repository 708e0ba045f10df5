"""Lines of files in any encoding, plain and compressed, a block at a time."""

import gzip
import io
from pathlib import Path

import pytest

from llimba.recipe import LocalSource
from llimba.stages.sources import bounded
from llimba.stages.sources.recoded import Recoded
from tests.fakes import intake

LINES = ["plain", "Sa gente fiat essida: “est perìgulu”", "", "at naradu – e puru su cane…", "più"] * 200
SENTENCES = {
    "gb18030": "清晨我们走到海边。",
    "shift_jis": "朝早く海まで歩きました。",
    "euc_kr": "바다까지 걸었습니다.",
    "koi8_r": "Утром мы вышли к морю.",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_encoding_gives_the_same_lines(tmp_path: Path, encoding: str, packed: bool) -> None:
    data = "\n".join(LINES).encode(encoding)
    path = tmp_path / ("t.txt.gz" if packed else "t.txt")
    path.write_bytes(gzip.compress(data) if packed else data)
    reading = intake()
    assert [line for _, line in bounded.lines(path, reading)] == LINES
    assert not reading.quarantined
    assert len(reading.encodings) == 1


@pytest.mark.parametrize("encoding", SENTENCES)
def test_a_block_that_ends_within_a_character_is_no_trouble(encoding: str) -> None:
    text = f"{SENTENCES[encoding]}\n" * 30_000
    chosen: list[str] = []
    stream = Recoded(io.BytesIO(text.encode(encoding)), "", lambda choice: chosen.append(choice.encoding))
    assert b"".join(iter(lambda: stream.read(4097), b"")).decode() == text
    assert len(chosen) == 1


def test_a_byte_without_a_character_costs_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(
        "perìgulu, più, chelu, s’àera\n".encode("cp1252") * 50 + b"torr\x81au\n" + "più\n".encode("cp1252")
    )
    reading = intake(LocalSource(kind="local", language="sc", license="x", path=path))
    assert [line for _, line in bounded.lines(path, reading)] == ["perìgulu, più, chelu, s’àera"] * 50 + ["più"]
    assert reading.quarantined == {"not UTF-8": 1}
    assert reading.encodings == {"windows-1252": 1}


def test_text_far_down_in_a_file_that_begins_as_ascii(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"unu, duos, tres\n" * 200_000 + "perìgulu, più\n".encode("cp1252"))
    assert list(bounded.lines(path, intake()))[-1] == (200_001, "perìgulu, più")
