"""Shards of a file are its rows exactly once; tables appear when a task ends well."""

from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.files import read_jsonl, write_jsonl
from llimba.stages.corpus import tables
from llimba.stages.corpus.tables import Tables, gather, rows_between, shard, tasks_for


@pytest.mark.parametrize("tasks", [1, 2, 3, 7, 50])
def test_every_row_falls_to_one_task_in_order(tmp_path: Path, tasks: int) -> None:
    rows = [{"n": number, "text": "è" * (number * 7 % 40)} for number in range(40)]
    write_jsonl(tmp_path / "f.jsonl", rows)
    assert [row for rank in range(tasks) for row in rows_between(tmp_path / "f.jsonl", rank, tasks)] == rows


@pytest.mark.parametrize("tasks", [2, 3, 4, 6])
def test_a_share_that_begins_where_a_line_does_has_that_line(tmp_path: Path, tasks: int) -> None:
    (tmp_path / "f").write_text("".join(f'{{"n": {number}}}\n' for number in range(6)))  # lines of nine bytes
    found = [[row["n"] for row in rows_between(tmp_path / "f", rank, tasks)] for rank in range(tasks)]
    assert [n for share in found for n in share] == list(range(6))
    if 6 % tasks == 0:
        assert {len(share) for share in found} == {6 // tasks}


def test_the_number_of_tasks_depends_on_the_size_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SHARD_BYTES", 100)
    (tmp_path / "f").write_bytes(b"x" * 301)
    assert tasks_for(tmp_path / "f") == 4
    (tmp_path / "f").write_bytes(b"")
    assert tasks_for(tmp_path / "f") == 1
    assert list(rows_between(tmp_path / "f", 0, 1)) == []


def test_a_broken_row_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    (tmp_path / "f").write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(StageError, match="before byte 16: not valid JSON"):
        list(rows_between(tmp_path / "f", 0, 1))


def test_tables_of_a_failed_task_do_not_appear(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Tables(tmp_path, 0, ("rejected",)) as table:
        table.add("rejected", {"a": 1})
        raise RuntimeError
    assert not shard(tmp_path / "rejected", 0).exists()
    for rank in (1, 0):
        with Tables(tmp_path, rank, ("rejected",)) as table:
            table.add("rejected", {"a": rank})
    gather([tmp_path / "rejected", tmp_path / "absent"], tmp_path / "all.jsonl")
    assert list(read_jsonl(tmp_path / "all.jsonl")) == [{"a": 0}, {"a": 1}]
