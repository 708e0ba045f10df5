"""Files are whole or absent; digests and fractions are stable."""

from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.files import fingerprint, read_json, read_jsonl, replacing, sha256, stable_fraction, write_json, write_jsonl


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as handle:
        handle.write("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_lines_round_trip_with_every_letter(tmp_path: Path) -> None:
    rows = [{"text": "pitzocu, àbile\u2028riga"}, {"n": 1}]
    assert write_jsonl(tmp_path / "r.jsonl", rows) == 2
    assert list(read_jsonl(tmp_path / "r.jsonl")) == rows
    write_json(tmp_path / "v.json", rows)
    assert read_json(tmp_path / "v.json") == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [('{"a": 1}\n{broken\n', "line 2: not valid JSON"), ("[1]\n", "line 1: expected a JSON object")],
)
def test_broken_lines_are_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "r.jsonl").write_text(content)
    with pytest.raises(StageError, match=message):
        list(read_jsonl(tmp_path / "r.jsonl"))


def test_missing_and_broken_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="does not exist"):
        list(read_jsonl(tmp_path / "absent.jsonl"))
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(StageError, match="Delete it to have it made again"):
        read_json(tmp_path / "b.json")


def test_fingerprint_ignores_key_order_and_sees_values() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_folder_digest_sees_names_and_content(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a").write_text("x")
    first = sha256(tmp_path / "f")
    (tmp_path / "f" / "a").rename(tmp_path / "f" / "b")
    assert sha256(tmp_path / "f") != first


def test_stable_fraction_is_fixed_and_spread() -> None:
    values = [stable_fraction("1", str(i)) for i in range(1000)]
    assert values[0] == stable_fraction("1", "0")
    assert stable_fraction("1", "23") != stable_fraction("12", "3")
    assert 0.45 < sum(values) / 1000 < 0.55
    assert all(0 <= value < 1 for value in values)
