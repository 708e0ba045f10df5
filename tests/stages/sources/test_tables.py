"""Rows of every table format; a broken row goes into quarantine."""

import gzip
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from llimba.stages.sources.tables import rows
from tests.fakes import intake

ROWS = [{"text": "unu, duos"}, {"text": 'naro: "tres"'}]


def written(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    else:
        content = {
            "jsonl": '{"text": "unu, duos"}\n{"text": "naro: \\"tres\\""}\n',
            "csv": 'text\n"unu, duos"\n"naro: ""tres"""\n',
            "tsv": 'text\nunu, duos\nnaro: "tres"\n',
        }[name.split(".")[1]].encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.jsonl.gz"])
def test_every_format_has_the_same_rows(tmp_path: Path, name: str) -> None:
    reading = intake()
    assert [row for _, row in rows(written(tmp_path, name), reading)] == ROWS
    assert not reading.quarantined


def test_broken_rows_go_into_quarantine(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n{"text": \n[1]\n' + "[" * 100_000 + '\n\n{"text": "b"}\n')
    reading = intake()
    assert [(n, row["text"]) for n, row in rows(path, reading)] == [(1, "a"), (6, "b")]
    assert reading.quarantined == {"not valid JSON": 2, "not a JSON object": 1}


def test_a_torn_parquet_file_goes_into_quarantine(tmp_path: Path) -> None:
    path = written(tmp_path, "a.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    reading = intake()
    assert list(rows(path, reading)) == []
    assert "after row 0: broken file: ArrowInvalid" in reading.first_quarantined
