"""Any text is read into plain values, or one sentence says why not and where."""

from pathlib import Path

import pytest

from llimba.data_files.reading import Unreadable, parse, read_yaml

BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)
LADDER = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [[[*a{n - 1}]]]\n" for n in range(1, 30))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "f.yaml is empty, not a thing"),
        (b"- a\n", "f.yaml is a list, not a thing"),
        (b"5", "f.yaml is a number, not a thing: expected keys such as a, b"),
        (b"[" * 100_000, ":1: nested deeper than 40 levels"),
        (b"a: " + b"{a: " * 50 + b"1" + b"}" * 50, ":1: nested deeper than 40 levels"),
        (BOMB.encode(), ":6: its aliases unfold to more than 100,000 values"),
        (LADDER.encode(), "its aliases unfold to more than 100,000 values or 40 levels"),
        (b"a: &a [*a]\n", ":1: an alias inside its own anchor"),
        (b"a: 1\nb: 2\na: 3\n", ":3: the key 'a' is given here and in line 1: keep one"),
        (b"a:\n\tb: 1\n", ":2: a tab: indent with spaces"),
        (b"a: \xff\n", "is not UTF-8 text (byte 3): save it as UTF-8"),
        (b"a: 1\nb: \0\n", ":2: the character U+0000 is not allowed in a file"),
        (b'a: "\\0"\n', ":1: a NUL, or half a surrogate pair, in text"),
        (b'a: "\\ud800"\n', ":1: a NUL, or half a surrogate pair, in text"),
        (b'a: 1\nb: "\\UFFFFFFFF"\n', ":2: not valid YAML: a character that does not exist"),
        (b"a: !!set {b}\n", ":1: !!set is a type that is not read"),
        (b"a: !!python/object:os.system x\n", "!!python/object:os.system is a type that is not read"),
        (b"a: {no: 1}\n", ":1: a key must be text, and 'no' is not: put it in quotes"),
        (b"? [a]\n: 1\n", ":1: a key must be text, and this one is not"),
        (b"a: !!int b\n", ":1: 'b' is not a valid int"),
        (b"a: !!bool b\n", ":1: 'b' is not a valid bool"),
        (b"a: !!int ''\n", ":1: '' is not a valid int"),
        (b"a: " + b"9" * 5000, "is not a valid int"),
        (b"a: 0x" + b"f" * 5000, "the number is too large: 64 bits at most"),
        (b"a: [\n", "not valid YAML"),
        (b"a: 1\n---\nb: 1\n", ":2: not valid YAML: but found another document"),
        (b"a: {<<: 3}\n", "not valid YAML: expected a mapping"),
        (b"a: *b\n", "not valid YAML: found undefined alias"),
        (b"a" * 1_000_001, "is larger than 1,000,000 bytes"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "f.yaml").write_bytes(text)
    with pytest.raises(Unreadable) as caught:
        read_yaml(tmp_path / "f.yaml", "thing", "a, b")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_what_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be read: Is a directory"):
        read_yaml(tmp_path, "thing", "a")
    with pytest.raises(Unreadable, match="cannot be read: File name too long"):
        read_yaml(tmp_path / ("a" * 5000), "thing", "a")
    with pytest.raises(Unreadable, match="cannot be the name of a file"):
        read_yaml(tmp_path / "a\0b", "thing", "a")
    with pytest.raises(FileNotFoundError):
        read_yaml(tmp_path / "absent", "thing", "a")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ("<<", "<<"),
        ("", None),
        ("[a, 1]", ["a", 1]),
        ("{a: off}", {"a": False}),
    ],
)
def test_values(text: str, value: object) -> None:
    assert parse(text)[1] == value


def test_lines_of_keys_positions_and_merged_keys(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: &a\n  b: 1\nc:\n- 1\n- x: 2\nd:\n  <<: *a\n")
    file = read_yaml(path, "thing", "a")
    assert file.values == {"a": {"b": 1}, "c": [1, {"x": 2}], "d": {"b": 1}}
    assert file.line_of(("c", 1, "x")) == (3, 5)
    assert file.line_of(("c", 7)) == (1, 3)
    assert file.line_of(("d", "b")) == (2, 2)
    assert file.line_of(("z",)) == (0, 0)
