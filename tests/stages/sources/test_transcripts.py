"""Transcripts of recordings: what is said stays; times and who speaks leave, however they are written."""

from pathlib import Path

import pytest

from llimba.recipe import LocalSource
from llimba.records import Document
from llimba.stages.sources.local import load
from llimba.stages.sources.transcripts import is_transcript, transcript
from tests.fakes import intake

WRITTEN = {
    "by hand": "Intervista, 1998\n\n[00:00:12] INT: Cale est?\n\n[00:01:12] BORE: Bella "
    "[00:01:20] meda.\n[00:02:00] BORE: Eja.\n",
    "whisper": "[00:00.000 --> 00:04.000]  Cale est?\n[00:04.000 --> 00:06.000]  Bella meda.\n"
    "[00:06.000 --> 00:09.000]  Eja.\n",
    "otter": "Speaker 1  0:03\nCale est?\n\nSpeaker 2  0:09\nBella meda.\n\nSpeaker 1  0:20\nEja.\n",
    "youtube": "0:03\nCale est?\n0:06\nBella meda.\n0:09\nEja.\n",
    "audacity": "0.000000\t3.200000\tCale est?\n3.200000\t5.100000\tBella meda.\n5.100000\t7.000000\tEja.\n",
    "above": "Bore (00:12):\nCale est?\nInt (00:15):\nBella meda.\nBore (01:00:22):\nEja.",
    "chat of a call": "00:00:03 Maria: Cale est?\r\n00:00:09 Bore: Bella meda.\r\n00:00:12 Maria: Eja.\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_said_stays(name: str) -> None:
    assert is_transcript(WRITTEN[name])
    said = transcript(WRITTEN[name]).removeprefix("Intervista, 1998\n")
    assert said == "Cale est?\nBella meda.\nEja."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A sas 10:30 amus comintzadu.\nSu sole essit.\nSu mare est mannu.\nSu monte.",
        "10:30 amus comintzadu.\n" + "Su sole essit.\n" * 20,
        "BORE: Cale est?\nINT: Bella meda.\nBORE: Eja.",
        "1. Su sole\n2. Su mare\n3. Su monte",
        "Giu 3:16 Ca Deus at amadu su mundu.\nGiu 3:17 Ca no.",
    ],
)
def test_other_text_is_none(text: str) -> None:
    assert not is_transcript(text)


def test_words_before_a_colon_stay_where_they_name_nobody() -> None:
    text = "0:03\nBos naro custu: su mare est mannu.\n0:06\nEja.\n0:09\nE cale?\n"
    assert transcript(text).startswith("Bos naro custu: su mare")


def test_a_file_of_one_is_read_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(WRITTEN["by hand"])
    source = LocalSource(kind="local", path=tmp_path, language="sc", license="x")
    texts = [record.text for record in load(source, intake(source)) if isinstance(record, Document)]
    assert texts == ["Intervista, 1998\nCale est?\nBella meda.\nEja."]
