"""Records survive the disk, and a wrong field is named."""

from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.files import write_jsonl
from llimba.records import Conversation, Document, Pair, Record, read_records, write_records

COMMON = {"id": "1", "source": "s", "license": "CC0-1.0", "provenance": "p", "norm": "is"}


@pytest.mark.parametrize(
    "record",
    [
        Document(text="salude", language="sc", **COMMON),
        Pair(texts={"sc": "salude", "it": "ciao"}, document="d", position=3, **COMMON),
        Conversation(messages=[{"role": "user", "content": "?"}], task="t", **COMMON),
    ],
)
def test_round_trip(tmp_path: Path, record: Record) -> None:
    assert write_records(tmp_path / "r.jsonl", [record]) == 1
    assert list(read_records(tmp_path / "r.jsonl", type(record))) == [record]


def test_a_wrong_field_is_an_error(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "r.jsonl", [{"id": "1", "txt": "x"}])
    with pytest.raises(StageError, match="Document record has the wrong fields.*txt"):
        list(read_records(tmp_path / "r.jsonl", Document))
