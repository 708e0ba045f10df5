"""Rows of every table format; a broken row goes into quarantine."""

import gzip
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from llimba.stages.sources.tables import Dialect, rows
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


def test_arrays_and_fields_of_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('\n[{"text": "unu"},\n {"text": "duos"}, 3]')
    reading = intake()
    assert [row["text"] for _, row in rows(path, reading)] == ["unu", "duos"]
    assert reading.quarantined == {"not a JSON object": 1}
    path.write_text('{"version": 1, "data": [{"text": "unu"}]}')
    assert [row for _, row in rows(path, intake(), Dialect(field="data"))] == [{"text": "unu"}]
    for content, said in (
        ("[1, ", "not a JSON object"),
        ('{"data": 1}', "not an array"),
        ("[" * 100_000, "not valid JSON"),
    ):
        path.write_text(content)
        reading = intake()
        assert list(rows(path, reading, Dialect(field="data"))) == []
        assert reading.first_quarantined.startswith(str(path)) and said in reading.first_quarantined


def test_columns_are_named_where_no_header_names_them(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('# made by hand\n1\tunu\t"uno"\n2\tduos\n')
    reading = intake()
    found = list(rows(path, reading, Dialect(names=("id", "sc", "it"), skipped_lines=1)))
    assert found == [(2, {"id": "1", "sc": "unu", "it": '"uno"'})]
    assert reading.first_quarantined.startswith(f"{path}, line 3: another number of fields than the names given")
    path.write_text("1;'unu'\n")
    assert list(rows(path, intake(), Dialect(("id", "sc"), ";", "'"))) == [(1, {"id": "1", "sc": "unu"})]


def test_a_parquet_row_that_is_not_text_costs_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    held = pyarrow.array([b"unu", b"\xff\xfe", b"tres"]).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"text": held}), path)
    reading = intake()
    assert [(number, row["text"]) for number, row in rows(path, reading)] == [(1, "unu"), (3, "tres")]
    assert reading.first_quarantined.startswith(f"{path}, row 2: broken row: UnicodeDecodeError")


def test_a_parquet_row_group_that_is_torn_costs_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"lìnia {number} " * 20 for number in range(30)]
    parquet.write_table(pyarrow.table({"text": texts}), path, row_group_size=10, use_dictionary=False)
    chunk = parquet.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[chunk.data_page_offset : chunk.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(data)
    reading = intake()
    assert [row["text"] for _, row in rows(path, reading)] == texts[:10] + texts[20:]
    assert "broken file: 10 rows" in reading.first_quarantined


def test_a_parquet_file_that_names_one_text_a_thousand_times_is_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    text = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 1000, pyarrow.int32()), pyarrow.array(["a" * 2**20]))
    parquet.write_table(pyarrow.table({"text": text}), path)
    assert path.stat().st_size < 100_000
    reading = intake()
    found = list(rows(path, reading))
    assert len(found) <= 16, "no more than 16 MiB"
    assert sum(reading.quarantined.values()) == 1000 - len(found)
    assert reading.first_quarantined.split(": ")[1] == "decompression bomb"
    empty = tmp_path / "b.parquet"
    parquet.write_table(pyarrow.table({"text": pyarrow.array(["x"] * 5_000_000)}), empty, compression="zstd")
    reading = intake()
    kept = sum(1 for _ in rows(empty, reading))
    assert kept + sum(reading.quarantined.values()) == 5_000_000
    assert kept < 4_000_000
