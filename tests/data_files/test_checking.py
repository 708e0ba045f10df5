"""What pydantic says becomes a line a fault: file, line, key, what is wrong, what to write."""

from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from llimba.data_files.checking import faults, sentences
from llimba.data_files.faults import Fault, Faults, printable, shortened, shown
from llimba.data_files.reading import YamlFile, read_yaml


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = 0
    name: str = ""


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    inner: Inner = Inner()
    inners: list[Inner] = []

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.inner.count == 13:
            raise Faults([Fault(("inner", "count"), "is 13"), Fault(("inners",), "are too many")])
        return self


def said(folder: Path, text: str, set_at: list[tuple[str, ...]] | None = None) -> list[str]:
    path = folder / "f.yaml"
    path.write_text(text)
    file: YamlFile = read_yaml(path, "thing", "inner")
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(file.values)
    return sentences(faults(caught.value, Outer), [file], set_at or []).replace(str(path), "F").splitlines()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("inner:\n  coun: 1\n", ["F:2: inner.coun: there is no such key. Did you mean 'count'?"]),
        ("inner:\n  xyz: 1\n", ["F:2: inner.xyz: there is no such key. Known here: count, name."]),
        ("inner: 3\n", ["F:1: inner: expected a section of keys (given: 3)"]),
        ("inners:\n- count: 1\n- name: no\n", [
            "F:3: inners.1.name: Input should be a valid string (given: False; YAML reads no, yes, on and off as a "
            "switch: put it in quotes)"
        ]),
        ("inner: {count: 13}\n", ["F:1: inner.count: is 13", "F: inners: are too many"]),
    ],
)  # fmt: skip
def test_faults_are_sentences(tmp_path: Path, text: str, lines: list[str]) -> None:
    assert said(tmp_path, text) == lines


def test_ten_lines_at_most(tmp_path: Path) -> None:
    lines = said(tmp_path, "".join(f"key{n}: 1\n" for n in range(30)))
    assert len(lines) == 10
    assert lines[-1] == "F: and 21 more."


def test_the_command_line_is_named_where_it_set_the_value(tmp_path: Path) -> None:
    assert said(tmp_path, "inner:\n  xyz: 1\n", [("inner", "xyz")])[0].startswith("--set: inner.xyz")
    assert said(tmp_path, "inner:\n  xyz: 1\n", [("inner",)])[0].startswith("--set: inner.xyz")
    assert said(tmp_path, "inner:\n  xyz: 1\n", [("inner", "count")])[0].startswith("F:2: inner.xyz")


def test_other_peoples_text_fits_on_a_line() -> None:
    assert printable("a\n\ud800\x1bé") == r"a\n\ud800\x1bé"
    assert len(shortened("a" * 9999)) < 70
    deep: Any = {"a": [["x" * 999] * 99] * 99}
    assert len(shown(deep)) < 200
