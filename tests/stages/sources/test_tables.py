"""Rows of every table format; a broken row goes aside."""

import gzip
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from llimba.stages.sources.quarantine import Quarantine
from llimba.stages.sources.tables import rows

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
    quarantine = Quarantine()
    assert [row for _, row in rows(written(tmp_path, name), quarantine)] == ROWS
    assert quarantine.entries == 0


def test_broken_rows_go_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n{"text": \n[1]\n' + "[" * 100_000 + '\n\n{"text": "b"}\n')
    quarantine = Quarantine()
    assert [(n, row["text"]) for n, row in rows(path, quarantine)] == [(1, "a"), (6, "b")]
    assert quarantine.reasons == {"not valid JSON": 2, "not a JSON object": 1}


def test_a_torn_parquet_file_goes_aside(tmp_path: Path) -> None:
    path = written(tmp_path, "a.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    quarantine = Quarantine()
    assert list(rows(path, quarantine)) == []
    assert "after row 0: broken file: ArrowInvalid" in quarantine.first
