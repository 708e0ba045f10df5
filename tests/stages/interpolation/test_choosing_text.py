"""Text to choose by: bounded, fixed by the ids, and none of it is reported."""

from pathlib import Path
from typing import Any

from llimba.records import Document, Pair, read_records, write_records
from llimba.stages.folders import CorpusFolder
from llimba.stages.interpolation.choosing_text import reserved_ids, split_held_out, without_lines_of
from tests.fakes import SENTENCES, evaluation_pairs

COMMON: dict[str, Any] = {"source": "s", "license": "x", "provenance": "p"}


def document(identifier: str, language: str, text: str) -> Document:
    return Document(id=identifier, language=language, text=text, **COMMON)


def test_at_most_a_tenth_and_so_many_bytes_are_set_aside() -> None:
    documents = [document(f"sc{i}", "sc", "x" * 100) for i in range(200)]
    documents += [document(f"it{i}", "it", "x" * 100) for i in range(20)]
    documents += [document("alone", "es", "x" * 10_000)]
    chosen = reserved_ids(documents, 1000)
    assert sum(name.startswith("sc") for name in chosen) == 10  # 1,000 bytes
    assert sum(name.startswith("it") for name in chosen) == 2  # a tenth
    assert "alone" not in chosen
    assert reserved_ids(reversed(documents), 1000) == chosen
    assert reserved_ids(documents, 0) == set()


def test_a_long_document_counts_with_what_is_looked_at() -> None:
    documents = [document(f"d{i}", "sc", "x" * 5000) for i in range(100)]
    assert len(reserved_ids(documents, 1000)) == 4  # 250 bytes of each are looked at


def test_no_reported_line_or_row_is_chosen_by(tmp_path: Path) -> None:
    texts = {code: "\n".join(SENTENCES[code][:8]) for code in ("sc", "it")}
    single = [document(f"s:{code}:{n}", code, SENTENCES[code][n]) for code in ("sc", "it") for n in (8, 9)]
    write_records(tmp_path / "held_out.jsonl", [*(document(f"s:{c}:a", c, t) for c, t in texts.items()), *single])
    write_records(tmp_path / "evaluation.jsonl", evaluation_pairs(range(8)))
    write_records(tmp_path / "pairs.jsonl", [])
    choosing = split_held_out(CorpusFolder(tmp_path), CorpusFolder(tmp_path / "out"))
    lines = {line for d in choosing for line in d.text.split("\n")}
    reported = list(read_records(tmp_path / "out" / "held_out.jsonl", Document))
    left = {line for d in reported for line in d.text.split("\n")}
    assert not lines & left
    assert lines | left == {sentence for code in ("sc", "it") for sentence in SENTENCES[code]}
    translated = CorpusFolder(tmp_path / "out").evaluation()
    assert [pair.id for pair in translated] == ["4", "5", "6", "7"]
    halves = {d.id.replace(":sc:", ":").replace(":it:", ":") for d in choosing if d.id[-1] in "89"}
    assert len(halves) == sum(d.id[-1] in "89" for d in choosing) / 2  # a text goes over in all its languages
    assert (tmp_path / "out" / "pairs.jsonl").exists()


def test_a_pair_that_stands_in_the_text_to_choose_by_is_left_out() -> None:
    pairs = [Pair(id=str(i), texts={c: SENTENCES[c][i] for c in ("sc", "it")}, **COMMON) for i in range(5)]
    chosen = [document("a", "sc", f"{SENTENCES['sc'][1].upper()}\nÀteru."), document("b", "it", SENTENCES["it"][3])]
    assert [pair.id for pair in without_lines_of(pairs, chosen)] == ["0", "2", "4"]
