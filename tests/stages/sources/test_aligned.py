"""The same three rows out of every format; files that do not belong together are refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import RecipeError, StageError
from llimba.recipe import ParallelSource
from llimba.stages.sources.aligned import rows
from llimba.stages.sources.intake import Intake
from tests.fakes import intake, recipe, recipe_content, write_text

CELLS = [{"sc": "Su sole", "it": "Il sole"}, {"sc": 'Unu "mare"', "it": "Un mare"}, {"sc": "", "it": "Niente"}]
TMX = """<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"><header/><body>
<tu><tuv xml:lang="sc"><seg>Su <bpt i="1">&lt;b&gt;</bpt>so<hi>le</hi></seg></tuv>
<tuv xml:lang="it-IT"><seg>Il sole</seg></tuv></tu>
<tu><tuv xml:lang="SC"><seg>Unu "mare"</seg></tuv><tuv xml:lang="it"><seg>Un mare</seg></tuv></tu>
<tu><tuv xml:lang="it"><seg>Niente</seg></tuv><tuv xml:lang="fr"><seg>Rien</seg></tuv></tu></body></tmx>"""


def read(reading: Intake | None = None, **more: Any) -> list[tuple[str, dict[str, str]]]:
    source = ParallelSource(kind="parallel", pairs=["sc", "it"], license="x", **more)
    return list(rows(source, reading or intake(source)))


def test_one_file_with_a_column_a_language(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({**row, "sc": row["sc"] or None}) for row in CELLS))
    (tmp_path / "a.tsv").write_text(
        "id\tsc\tit\n" + "".join(f"{i}\t{r['sc']}\t{r['it']}\n" for i, r in enumerate(CELLS))
    )
    (tmp_path / "a.csv").write_text('\ufeffsc,it\nSu sole,Il sole\n"Unu ""mare""",Un mare\n,Niente\n')
    for name, first in (("a.jsonl", 1), ("a.csv", 2)):
        found = read(path=tmp_path / name)
        assert [cells for _, cells in found] == CELLS
        assert [place for place, _ in found] == [f"{name}:{first + number}" for number in range(3)]
    assert [cells for _, cells in read(path=tmp_path / "a.tsv")] == [{**r, "id": str(i)} for i, r in enumerate(CELLS)]


def test_tmx_by_language_with_inline_marks(tmp_path: Path) -> None:
    (tmp_path / "a.tmx").write_text(TMX)
    assert [cells for _, cells in read(path=tmp_path / "a.tmx")] == CELLS


def test_a_tmx_bomb_is_refused_and_a_torn_one_read_to_the_tear(tmp_path: Path) -> None:
    bomb = TMX.replace('SYSTEM "tmx14.dtd"', '[<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]')
    for text, kept, reason in ((bomb, 0, "after unit 0: entities declared"), (TMX[:-40], 2, "unit 3: broken XML")):
        (tmp_path / "a.tmx").write_text(text)
        reading = intake()
        assert len(read(reading, path=tmp_path / "a.tmx")) == kept
        assert reason in reading.first_quarantined


def test_a_flores_folder_and_one_file_a_language(tmp_path: Path) -> None:
    for code, name in (("sc", "srd_Latn"), ("it", "ita_Latn")):
        (tmp_path / f"{name}.dev").write_text("\n".join(row[code] for row in CELLS) + "\n")
    columns = {"sc": "srd_Latn", "it": "ita_Latn"}
    assert [cells for _, cells in read(path=tmp_path, columns=columns)] == CELLS
    files = {code: tmp_path / f"{name}.dev" for code, name in columns.items()}
    assert [cells for _, cells in read(files=files)] == CELLS
    with pytest.raises(StageError, match=r"holds 0 files sc\.\*.*columns: \{sc: srd_Latn\}"):
        read(path=tmp_path)
    files["it"].write_text("Il sole\n")
    with pytest.raises(StageError, match=r"ita_Latn\.dev ends before line 2"):
        read(files=files)
    files["it"].write_bytes("perché, ".encode() * 20 + b"caf\xe9\n\n\n")
    reading = intake()
    assert len(read(reading, files=files)) == 2
    assert "line 1: not UTF-8: byte 183" in reading.first_quarantined


def test_faults_of_a_table_are_placed(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("sc\tit\nunu\nduos\tdue\n")
    reading = intake()
    assert [cells["sc"] for _, cells in read(reading, path=tmp_path / "a.tsv")] == ["duos"]
    assert "line 2: another number of fields than the header" in reading.first_quarantined
    with pytest.raises(StageError, match="does not exist"):
        read(path=tmp_path / "absent.tsv")


def test_a_recipe_gives_one_place(tmp_path: Path) -> None:
    write_text(tmp_path)
    sources = recipe_content(tmp_path)["sources"]
    with pytest.raises(RecipeError, match="give either path, or files"):
        recipe(tmp_path, sources={**sources, "aligned": {**sources["aligned"], "files": {"sc": "a", "it": "b"}}})
