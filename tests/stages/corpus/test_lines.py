"""Repeated lines: one copy stays, boilerplate goes wholly, dropped documents count for nothing."""

from pathlib import Path

import numpy as np
import pytest

from llimba.records import Document
from llimba.stages.corpus import lines
from llimba.stages.corpus.lines import LineHashes, find_repeated, removals
from llimba.stages.corpus.shards import carried

Text = tuple[str, str, str]  # source, language, text


def hashed(folder: Path, tasks: list[list[Text]]) -> None:
    for rank, texts in enumerate(tasks):
        documents = [
            Document(id=str(n), text=text, language=language, source=source, license="x", provenance="p")
            for n, (source, language, text) in enumerate(texts)
        ]
        passed = LineHashes(folder / "lines", ["a", "b"])(map(carried, documents), rank, len(tasks))
        assert len(list(passed)) == len(texts)


def found(folder: Path, tasks: int, dropped: dict[int, list[int]] | None = None, boilerplate: int | None = None):
    find_repeated(folder / "lines", folder / "out", tasks, dropped or {}, boilerplate)
    return [removals(folder / "out", rank) for rank in range(tasks)]


@pytest.mark.parametrize("at_once", [1, 3, 4_000_000])
def test_the_first_copy_stays_over_all_tasks_and_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(lines, "AT_ONCE", at_once)
    hashed(tmp_path, [[("a", "sc", "x\ny\nx"), ("a", "it", "x")], [("b", "sc", "z\nx")], []])
    assert found(tmp_path, 3) == [{0: {2: "repeated"}}, {0: {1: "repeated"}}, {}]
    assert [len(np.load(tmp_path / "out" / f"{rank:05d}.npy")) for rank in range(3)] == [1, 1, 0], "each listed once"


def test_the_copy_of_a_dropped_document_is_none(tmp_path: Path) -> None:
    hashed(tmp_path, [[("a", "sc", "x"), ("a", "sc", "x"), ("a", "sc", "x")]])
    assert found(tmp_path, 1, {0: [0]}) == [{2: {0: "repeated"}}]


def test_boilerplate_of_a_source_goes_wholly_and_another_source_keeps_its_copy(tmp_path: Path) -> None:
    site = [("a", "sc", f"menu\ntestu {n}") for n in range(3)]
    hashed(tmp_path, [[*site, ("b", "sc", "menu"), ("b", "sc", "menu")]])
    assert found(tmp_path, 1, boilerplate=3) == [
        {0: {0: "boilerplate"}, 1: {0: "boilerplate"}, 2: {0: "boilerplate"}, 4: {0: "repeated"}}
    ]
    assert found(tmp_path, 1, boilerplate=4) == [{n: {0: "repeated"} for n in (1, 2, 3, 4)}]


def test_many_lines_of_one_document_are_no_boilerplate(tmp_path: Path) -> None:
    hashed(tmp_path, [[("a", "sc", "\n".join(["refràn"] * 5))]])
    assert found(tmp_path, 1, boilerplate=3) == [{0: dict.fromkeys(range(1, 5), "repeated")}]
