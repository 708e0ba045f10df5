"""The sources stage: always three files, counts, and errors before anything else is done."""

import os
from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.stages.sources.stage import run
from tests.fakes import recipe, recipe_content, write_text


def test_three_files_and_counts(tmp_path: Path) -> None:
    write_text(tmp_path)
    out = tmp_path / "out"
    facts = run(recipe(tmp_path), {}, out)["sources"]
    assert {p.name: len(list(read_jsonl(p))) for p in out.iterdir()} == {
        "documents.jsonl": 8, "pairs.jsonl": 10, "conversations.jsonl": 0, "quarantine.jsonl": 0, "files.jsonl": 4
    }  # fmt: skip
    assert facts["prose"]["documents"] == 4
    assert facts["prose"]["words"] == {"sc": sum(len(line.split()) for line in (tmp_path / "sc.txt").open())}
    assert facts["scored"]["role"] == "evaluate"


def test_an_empty_source_and_a_language_without_text_are_errors(tmp_path: Path) -> None:
    write_text(tmp_path)
    content = recipe_content(tmp_path)["sources"]
    (tmp_path / "sc.txt").write_text("\n\n")
    with pytest.raises(StageError, match=r"sources\.prose: the source is empty"):
        run(recipe(tmp_path), {}, tmp_path / "out")
    with pytest.raises(StageError, match="no text in 'sc' to train on"):
        run(recipe(tmp_path, sources={"replay": content["replay"], "scored": content["scored"]}), {}, tmp_path / "out")


def test_what_cannot_be_read_is_listed_and_too_much_of_it_is_an_error(tmp_path: Path) -> None:
    write_text(tmp_path)
    content = recipe_content(tmp_path)["sources"]
    path = tmp_path / "dirty.jsonl"
    path.write_text('{"text": "unu testu bonu"}\n{broken\n')
    dirty = {"kind": "local", "license": "CC0-1.0", "path": str(path), "language": "sc"}
    facts = run(recipe(tmp_path, sources={**content, "dirty": dirty}), {}, tmp_path / "out")["sources"]["dirty"]
    assert (facts["documents"], facts["quarantined"]) == (1, {"not valid JSON": 1})
    (row,) = read_jsonl(tmp_path / "out" / "quarantine.jsonl")
    assert (row["source"], row["place"], row["sample"]) == ("dirty", "line 2", "{broken")
    with pytest.raises(StageError, match=r"sources\.dirty\.max_quarantined: 1 files or rows cannot be read and 1 can"):
        run(recipe(tmp_path, sources={**content, "dirty": {**dirty, "max_quarantined": 0.2}}), {}, tmp_path / "out")
    path.write_text("{broken\n")
    with pytest.raises(StageError, match="the source is empty.*First in quarantine: .*line 1: not valid JSON"):
        run(recipe(tmp_path, sources={**content, "dirty": dirty}), {}, tmp_path / "out")


def test_a_record_that_no_file_can_hold_is_set_apart(tmp_path: Path) -> None:
    write_text(tmp_path)
    content = recipe_content(tmp_path)["sources"]
    (tmp_path / "in").mkdir()
    for name, text in (("a", "Su sole\0 essit"), ("b", "Su mare"), ("c", r"Unu \\u0000 iscritu")):
        (tmp_path / "in" / f"{name}.txt").write_text(text)
    (tmp_path / "in" / "d.jsonl").write_text(
        '{"text": "a \\ud83d"}\n{"text": ["a"]}\n{"text": null}\n{"text": "unu"}\n'
    )
    Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/caf\xe9.txt")).write_text("Su mare")
    odd = {
        "kind": "local",
        "license": "CC0-1.0",
        "path": str(tmp_path / "in"),
        "language": "sc",
        "max_quarantined": 0.9,
    }
    facts = run(recipe(tmp_path, sources={**content, "odd": odd}), {}, tmp_path / "out")["sources"]["odd"]
    assert facts["documents"] == 3
    assert facts["skipped"] == {"empty": 1}
    assert facts["quarantined"] == {
        "NUL character": 1, "half a character": 1, "not text": 1, "file name is not UTF-8": 1
    }  # fmt: skip
    list(read_jsonl(tmp_path / "out" / "documents.jsonl"))
    list(read_jsonl(tmp_path / "out" / "quarantine.jsonl"))
