"""Boilerplate goes wholly, of a long line one copy stays, and verse, dialogue and short lines stay as they are."""

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


X = "Custa est una lìnia longa, cun paràulas bastantes pro èssere prus de otanta caràteres, comente in unu giornale."
Y = X.replace("giornale", "libru")
Z = X.replace("giornale", "contu")


@pytest.mark.parametrize("at_once", [1, 3, 4_000_000])
def test_the_first_copy_of_a_long_line_stays_over_all_tasks_and_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(lines, "AT_ONCE", at_once)
    hashed(tmp_path, [[("a", "sc", f"{X}\n{Y}\n{X}"), ("a", "it", X)], [("b", "sc", f"{Z}\n{X}\n{X}")], []])
    assert found(tmp_path, 3) == [{}, {0: {1: "repeated", 2: "repeated"}}, {}]
    assert [len(np.load(tmp_path / "out" / f"{rank:05d}.npy")) for rank in range(3)] == [0, 2, 0], "each listed once"


def test_the_copy_of_a_dropped_document_is_none(tmp_path: Path) -> None:
    hashed(tmp_path, [[("a", "sc", X), ("a", "sc", X), ("a", "sc", X)]])
    assert found(tmp_path, 1, {0: [0]}) == [{2: {0: "repeated"}}]


def test_boilerplate_of_a_source_goes_wholly_and_another_source_keeps_its_lines(tmp_path: Path) -> None:
    site = [("a", "sc", f"menu\nchirca\ntestu {n}\n{X}\nàteru {n}\nadiosu") for n in range(3)]
    hashed(tmp_path, [[*site, ("b", "sc", "menu\nblog"), ("b", "sc", "menu\ncontu"), ("b", "sc", X)]])
    assert found(tmp_path, 1, boilerplate=3) == [dict.fromkeys(range(3), dict.fromkeys((0, 1, 3, 5), "boilerplate"))]
    assert found(tmp_path, 1, boilerplate=4) == [{n: {3: "repeated"} for n in (1, 2)} | {5: {0: "repeated"}}]
    assert found(tmp_path, 1) == [{n: {3: "repeated"} for n in (1, 2)} | {5: {0: "repeated"}}]


def test_a_refrain_and_an_answer_stay_however_many_documents_have_them(tmp_path: Path) -> None:
    songs = [("a", "sc", f"primu {n}\nDillu a su bentu.\nsegundu {n}\nDillu a su bentu.") for n in range(30)]
    contos = [("a", "sc", f"At pregontadu {n}.\n– Eja.\nE sunt partidos {n}.") for n in range(30)]
    hashed(tmp_path, [[*songs, *contos]])
    assert found(tmp_path, 1, boilerplate=20) == [{}]


def test_a_line_counts_as_one_of_the_edge_only_where_nearly_all_its_copies_are(tmp_path: Path) -> None:
    for inside, gone in ((2, 38), (5, 0)):
        pages = [("a", "sc", f"Gràtzias.\ntestu {n}") for n in range(40 - inside)]
        pages += [("a", "sc", f"At naradu {n}:\nGràtzias.\nE bia {n}.") for n in range(inside)]
        hashed(tmp_path / str(inside), [pages[::2], pages[1::2]])
        (one, other) = found(tmp_path / str(inside), 2, boilerplate=20)
        assert sum(map(len, (*one.values(), *other.values()))) == gone


def test_many_lines_of_one_document_are_no_boilerplate(tmp_path: Path) -> None:
    hashed(tmp_path, [[("a", "sc", "\n".join(["refràn"] * 5)), ("a", "sc", "\n".join([X] * 5))]])
    assert found(tmp_path, 1, boilerplate=3) == [{}]
