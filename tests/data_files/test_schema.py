"""The walk over a schema finds files, keys and the user's own path, however deep, from the fields alone."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llimba.data_files.checking import faults
from llimba.data_files.schema import FileOrName, Shape, anchored, as_written, local_paths


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class One(Strict):
    kind: Literal["one"]
    path: Path
    also: dict[str, list[Path]] = {}


class Two(Strict):
    kind: Literal["two"]
    path: str  # no file
    size: int = 0


class Whole(Strict):
    named: FileOrName = ""
    tables: list[FileOrName] = []
    parts: dict[str, Annotated[One | Two, Field(discriminator="kind")]] = {}
    single: Annotated[One | Two, Field(discriminator="kind")] | None = None
    rows: dict[str, dict[str, Annotated[One | Two, Field(discriminator="kind")]]] = {}
    weight: float | list[Annotated[float, Field(le=1)]] | None = None
    free: dict[str, Any] = {}
    hidden: Path | None = Field(default=None, exclude=True)


SHAPE = Shape.of(Whole)
ONE: dict[str, Any] = {"kind": "one", "path": "a", "also": {"x": ["b", "/c"]}}
WHOLE: dict[str, Any] = {
    "named": "n.yaml",
    "tables": ["t", "t.yml"],
    "parts": {"one": ONE, "two": {"kind": "two", "path": "d"}},
    "single": ONE,
    "rows": {"two": {"kind": ONE}},
    "free": {"path": "e"},
    "hidden": "~/h",
}


def test_every_path_is_relative_to_the_file_that_states_it() -> None:
    here = Path("/here")
    one = {"kind": "one", "path": "/here/a", "also": {"x": ["/here/b", "/c"]}}
    assert anchored(WHOLE, SHAPE, here) == {
        "named": "/here/n.yaml",
        "tables": ["t", "/here/t.yml"],
        "parts": {"one": one, "two": {"kind": "two", "path": "d"}},
        "single": one,
        "rows": {"two": {"kind": one}},
        "free": {"path": "e"},
        "hidden": str(Path.home() / "h"),
    }
    assert WHOLE["single"]["path"] == "a", "what was given is not changed"


def test_a_part_that_does_not_say_its_kind_may_be_any() -> None:
    assert anchored({"parts": {"x": {"path": "a"}}}, SHAPE, Path("/h")) == {"parts": {"x": {"path": "/h/a"}}}


@pytest.mark.parametrize(
    "value", [3, None, {"parts": 3, "rows": {"a": []}}, {"single": {"kind": []}}, {"x": {"y": "z"}}]
)
def test_wrong_values_are_left_as_they_are(value: Any) -> None:
    assert anchored(value, SHAPE, Path("/here")) == value


def test_a_home_that_is_not_there_is_a_name_like_any_other() -> None:
    assert anchored({"hidden": "~nobody-here/x"}, SHAPE, Path("/h")) == {"hidden": "/h/~nobody-here/x"}


def test_local_paths_are_those_that_decide_something() -> None:
    found = [str(path) for path in local_paths(Whole.model_validate(WHOLE))]
    assert found == ["n.yaml", "t.yml", "a", "b", "/c", "a", "b", "/c", "a", "b", "/c"]
    assert list(local_paths({"x": One(kind="one", path=Path("p"))})) == [Path("p")]


@pytest.mark.parametrize(
    ("value", "location", "keys"),
    [
        ({"nam": ""}, ("nam",), list(Whole.model_fields)),
        ({"parts": {"one": {**ONE, "siz": 1}}}, ("parts", "one", "siz"), list(One.model_fields)),
        ({"single": {"kind": "two", "path": "", "siz": 1}}, ("single", "siz"), list(Two.model_fields)),
        ({"rows": {"two": {"one": {**ONE, "siz": 1}}}}, ("rows", "two", "one", "siz"), list(One.model_fields)),
    ],
)
def test_the_users_own_path_and_the_keys_there(value: Any, location: tuple[str, ...], keys: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(value)
    (detail,) = caught.value.errors()
    written, holder = as_written(detail["loc"], SHAPE)
    assert (written, holder.keys) == (location, keys)
    (fault,) = faults(caught.value, Whole)
    assert fault.location == location


def test_a_union_without_a_tag_is_not_in_the_path() -> None:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate({"weight": [0.5, 2]})
    assert {fault.location for fault in faults(caught.value, Whole)} == {("weight",), ("weight", 1)}
