"""A column per language: pairs, and documents of consecutive rows."""

from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.recipe import ParallelSource
from llimba.records import Document, Pair
from llimba.stages.sources.parallel import load
from tests.fakes import intake

ROWS = '{"id": 7, "sc": "unu", "it": "uno"}\n{"id": 8, "sc": "duos", "it": ""}\n{"id": 9, "sc": "tres", "it": "tre"}\n'


def test_pairs_and_documents(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(ROWS)
    source = ParallelSource(
        kind="parallel",
        path=tmp_path / "p.jsonl",
        pairs=["sc", "it"],
        documents=["sc"],
        rows_per_document=2,
        license="x",
    )
    reading = intake(source)
    records = list(load(source, reading))
    assert [(r.id, r.texts) for r in records if isinstance(r, Pair)] == [
        ("s:7", {"sc": "unu", "it": "uno"}), ("s:9", {"sc": "tres", "it": "tre"})
    ]  # fmt: skip
    assert [r.text for r in records if isinstance(r, Document)] == ["unu\nduos", "tres"]
    assert reading.skipped == {"fewer than two languages": 1}


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(ROWS)
    source = ParallelSource(kind="parallel", path=tmp_path / "p.jsonl", pairs=["sc", "fr"], license="x")
    with pytest.raises(
        StageError, match=r"sources\.s\.columns: .*p\.jsonl has no column 'fr': its columns are id, sc, it"
    ):
        list(load(source, intake(source)))
