"""An Italian paragraph leaves a Sardinian page, the page stays, and both can be read in the account."""

from dataclasses import replace
from pathlib import Path

import pytest

from llimba.errors import RecipeError
from llimba.files import read_jsonl
from llimba.languages.identify.identifier import Identifier
from llimba.records import Conversation, Document, Pair, write_records
from llimba.stages.corpus import foreign
from llimba.stages.corpus.foreign import Sample, foreign_lines, learn
from llimba.stages.corpus.stage import run
from tests.fakes import recipe, recipe_content, write_text
from tests.languages.identify.test_identifier import lines


def document(name: str, source: str, language: str, text: list[str]) -> Document:
    return Document(id=name, text="\n".join(text), language=language, source=source, license="CC0-1.0", provenance="p")


PAGE = [*lines("sc", 5, 8), *lines("it", 2, 8), "1914", *lines("sc", 1, 9)]


def sources(folder: Path) -> dict[str, Path]:
    """Three trusted sources and one that is looked at: a page with a quotation, and a page that is Italian."""
    documents = [document(f"{code}-seed", f"seed-{code}", code, lines(code, 200, 1)) for code in ("sc", "it", "es")]
    documents += [document("page", "web", "sc", PAGE), document("wrong", "web", "sc", lines("it", 6, 9))]
    write_records(folder / "in" / "documents.jsonl", documents)
    write_records(folder / "in" / "pairs.jsonl", list[Pair]())
    write_records(folder / "in" / "conversations.jsonl", list[Conversation]())
    (folder / "out").mkdir()
    return {"sources": folder / "in"}


def trusting(folder: Path) -> dict[str, object]:
    local = {"kind": "local", "license": "CC0-1.0", "path": str(folder / "sc.txt")}
    named = {f"seed-{code}": {**local, "language": code} for code in ("sc", "it", "es")}
    return {
        "sources": {**named, "web": {**local, "language": "sc"}},
        "corpus": {"identify": list(named)},
    }


def test_a_quotation_leaves_and_its_page_stays(tmp_path: Path) -> None:
    write_text(tmp_path)
    facts = run(recipe(tmp_path, **trusting(tmp_path)), sources(tmp_path), tmp_path / "out")
    kept = {row["id"]: row["text"].split("\n") for row in read_jsonl(tmp_path / "out" / "documents.jsonl")}
    assert kept["page"] == [line for line in PAGE if line not in PAGE[5:7]]
    assert "wrong" not in kept
    assert facts["counts"]["documents"]["rejected"] == {"other language": 1}
    assert facts["counts"]["lines_removed"]["other language"] == 2 + 6
    foreign = list(read_jsonl(tmp_path / "out" / "foreign.jsonl"))
    assert [row["line"] for row in foreign if row["record"] == "page"] == PAGE[5:7]
    assert {row["language"] for row in foreign} == {"it"}
    (rejected,) = read_jsonl(tmp_path / "out" / "rejected.jsonl")
    assert (rejected["rule"], rejected["value"], rejected["threshold"]) == ("other language", "it", "sc")
    assert (tmp_path / "out" / "identifier.safetensors").exists()


def test_pairs_teach_too_and_trusting_nobody_means_no_check(tmp_path: Path) -> None:
    write_text(tmp_path)
    texts = {code: lines(code, 60, 2) for code in ("sc", "it", "es")}
    pairs = [
        Pair(id=str(i), texts={code: texts[code][i] for code in texts}, source="seed-sc", license="x", provenance="p")
        for i in range(60)
    ]
    identifier = learn(recipe(tmp_path, **trusting(tmp_path)), [], pairs)
    assert identifier is not None
    found, none = foreign_lines([document("d", "web", "sc", PAGE), document("e", "web", "sc", [])], identifier)
    assert found == dict.fromkeys(PAGE[5:7], "it")
    assert none == {}
    assert learn(recipe(tmp_path), [], pairs) is None


def test_only_training_records_of_trusted_sources_are_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path)
    learned: dict[str, list[str]] = {}
    monkeypatch.setattr(Identifier, "train", lambda texts, target, seed: learned.update(texts))
    good = document("a", "seed-sc", "sc", ["unu"])
    pair = Pair(id="p", texts={"it": "uno", "sc": "duos"}, source="seed-it", license="x", provenance="p")
    learn(
        recipe(tmp_path, **trusting(tmp_path)),
        [good, document("b", "web", "es", ["tres"]), replace(good, role="evaluate", language="es")],
        [pair, replace(pair, source="web", texts={"es": "dos"}), replace(pair, role="evaluate", texts={"es": "tres"})],
    )
    assert {language: set(lines) for language, lines in learned.items()} == {"sc": {"unu", "duos"}, "it": {"uno"}}


def test_the_sample_is_the_same_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "SAMPLE", 20)
    one, other = Sample(), Sample()
    texts = [f"riga nùmeru {number}" for number in range(200)]
    one.add("sc", texts + texts)
    other.add("sc", texts[::-1])
    assert one.texts() == other.texts()
    assert len(set(one.texts()["sc"])) == 20


def test_a_trusted_source_must_exist(tmp_path: Path) -> None:
    write_text(tmp_path)
    with pytest.raises(RecipeError, match="there is no source 'absent'"):
        recipe(tmp_path, sources=recipe_content(tmp_path)["sources"], corpus={"identify": ["absent"]})
