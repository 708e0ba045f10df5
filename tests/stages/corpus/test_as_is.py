"""`corpus.as_is`: songs and poems come out as they went in, byte for byte, but for evaluation sentences."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from llimba.errors import RecipeError
from llimba.files import read_jsonl
from llimba.recipe import Recipe
from llimba.recipe.file import load_recipe
from llimba.stages.corpus.split import held_out
from llimba.stages.corpus.stage import run
from llimba.stages.folders import CorpusFolder, SourcesFolder
from llimba.stages.sources.stage import run as read_sources
from tests.fakes import SENTENCES, recipe_content

SONGS = 1000
SCORED = "Sos istudiantes ant leghidu totu sa noa chi su professore aiat iscritu pro issos."
WORDS = [
    "luna",
    "sole",
    "mare",
    "bentu",
    "nue",
    "frore",
    "àbba",
    "chelu",
    "isteddu",
    "coro",
    "amore",
    "note",
    "die",
    "caminu",
]
REFRAINS = ["Ohi ohi, ninna nanna!", "– Eja.", "Dillu a su bentu chi deo ti amo,", "la la la", "Amen."]
ODD = [
    "\tcun tabulatzione", "duos  ispàtzios", "a sa fine   ", "s\u2019apòstrofu e s`àteru", "nim\u200cfásila", "♪ ♫ ♪",
    "e\u0300 non cumpostu", "soft\u00adhyphen", "«birgulitas»", "{{{ ]] <b>", "١٢٣ ٤٥٦", "👩\u200d👧 emoji", "MAIÙS",
    "\ufeffinie", "\u00a0\u00a0ispàtziu", "1. 2. 3.", "\u2028", "controllu\x07",
]  # fmt: skip


def songs() -> list[str]:
    """Refrains, short lines, odd signs, trailing spaces, empty lines, Windows line ends, one word, whole copies."""
    chance = random.Random(20)
    made: list[str] = []
    while len(made) < SONGS:
        if made and chance.random() < 0.05:
            made.append(chance.choice(made))
            continue
        refrain, lines = chance.choice(REFRAINS), []
        for _ in range(chance.randint(0, 5)):
            lines += [" ".join(chance.choices(WORDS, k=chance.randint(1, 6))) + " " * chance.randint(0, 2)] * 2
            lines += [chance.choice(ODD)] * (chance.random() < 0.3)
            lines += [refrain, ""]
        end = chance.choice(["\n", "\r\n", "\n\n", "\r"])
        made.append(end.join(lines) + chance.choice(["", end]) if lines else chance.choice(WORDS))
    return made


def recipe(folder: Path, **corpus: Any) -> Recipe:
    local = {"kind": "local", "license": "CC0-1.0", "language": "sc"}
    parallel = {"kind": "parallel", "license": "CC0-1.0", "pairs": ["sc", "it"], "role": "evaluate"}
    content = recipe_content(folder) | {
        "sources": {
            "songs": {**local, "path": str(folder / "songs.jsonl")},
            "scored": {**parallel, "path": str(folder / "dev.jsonl")},
        },
        "corpus": {"as_is": True, **corpus},
    }
    path = folder / "as_is.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_recipe(path)


def through(folder: Path, texts: list[str], **corpus: Any) -> tuple[dict[str, str], dict[str, Any], Recipe]:
    """Texts by id after both stages, and the facts of the second."""
    rows = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    (folder / "songs.jsonl").write_bytes("\n".join(rows).encode())
    (folder / "dev.jsonl").write_text(json.dumps({"sc": SCORED, "it": SENTENCES["it"][0]}), encoding="utf-8")
    loaded = recipe(folder, **corpus)
    for name in ("sources", "corpus"):
        (folder / name).mkdir()
    read_sources(loaded, {}, folder / "sources")
    facts = run(loaded, {"sources": folder / "sources"}, folder / "corpus")
    return {d.id: d.text for d in CorpusFolder(folder / "corpus").documents()}, facts, loaded


def named(texts: list[str]) -> dict[str, str]:
    return {f"songs:songs.jsonl:{number}": text for number, text in enumerate(texts, 1)}


def test_a_thousand_songs_go_in_and_come_out(tmp_path: Path) -> None:
    texts = songs()
    kept, facts, _ = through(tmp_path, texts)
    assert kept == named(texts)
    assert facts["counts"]["documents"] == {"read": SONGS, "kept": SONGS, "evaluation": 0, "rejected": {}}
    assert facts["counts"]["lines_removed"] == {}


def test_evaluation_sentences_alone_leave_and_are_counted(tmp_path: Path) -> None:
    texts = songs()
    wrapped = SCORED.replace(" totu ", " to-\r\ntu ")
    texts[3] = f"Primu.  \r\n{wrapped}\r\n\r\nAcabbu \u200c.\r\n"
    texts[4] = f"In antis. {SCORED} A pustis.  \n\n  ninna   nanna\n"
    texts[5] = SCORED.upper()
    kept, facts, _ = through(tmp_path, texts)
    expected = named(texts) | {
        "songs:songs.jsonl:4": "Primu.  \r\n\r\nAcabbu \u200c.\r\n",
        "songs:songs.jsonl:5": "In antis. A pustis.  \n\n  ninna   nanna\n",
    }
    del expected["songs:songs.jsonl:6"]
    assert kept == expected
    assert facts["counts"]["documents"]["rejected"] == {"contaminated": 1}
    assert facts["counts"]["lines_removed"] == {"contaminated": 3}
    assert facts["contamination"] == {"evaluation_sentences": 2, "hits_removed": 3, "surviving": 0}
    rows = list(read_jsonl(tmp_path / "corpus" / "contamination.jsonl"))
    assert [row["line"] for row in rows] == [wrapped, SCORED, SCORED.upper()]


def test_documents_are_held_out_as_they_are_and_their_copies_leave(tmp_path: Path) -> None:
    told = "At naradu su de {0}:\r\n– Eja.  \r\nE su de {0} a pustis.\r\n"
    texts = [told.format(number) + text for number, text in enumerate(songs())]
    kept, facts, loaded = through(tmp_path, texts, held_out_documents=0.02)
    read = list(SourcesFolder(tmp_path / "sources").documents())
    out = {d.id for d in read if held_out(d, "sc", loaded.corpus, loaded.seed)}
    held = {d.id: d.text for d in CorpusFolder(tmp_path / "corpus").held_out()}
    assert {name: held[name] for name in out} == {d.id: d.text for d in read if d.id in out}
    assert facts["counts"]["documents"]["evaluation"] == len(out) > 5
    assert facts["contamination"]["hits_removed"] > 0
    assert sum("– Eja.  \r\n" in text for text in kept.values()) > 0.9 * len(kept), "too short to be looked for"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("identify", ["songs"]), ("identifier", "glotlid.bin"), ("trusted", ["songs"]), ("min_words", 3),
        ("exempt", ["songs"]),
        ("norms", ["is"]), ("varieties", ["lsc"]), ("near_duplicates", 0.7), ("repeated_lines", True),
        ("boilerplate_documents", 20),
    ],
)  # fmt: skip
def test_what_would_change_the_text_is_refused_by_name(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(
        RecipeError, match=rf"corpus\.{name}: corpus.as_is leaves the text alone .* {name} cannot be set"
    ):
        recipe(tmp_path, **{name: value})


def test_what_is_off_anyway_may_be_said(tmp_path: Path) -> None:
    given = recipe(tmp_path, near_duplicates=None, repeated_lines=False, identify=[], held_out_pairs=0.1)
    assert given.corpus.as_is


def test_the_switch_alone_may_stand_for_the_section(tmp_path: Path) -> None:
    content = recipe_content(tmp_path) | {"corpus": "as_is"}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (tmp_path / "more.yaml").write_text("extends: base.yaml\ncorpus: {held_out_documents: 0.1}\n", encoding="utf-8")
    assert load_recipe(tmp_path / "base.yaml").corpus.as_is
    more = load_recipe(tmp_path / "more.yaml").corpus
    assert (more.as_is, more.held_out_documents) == (True, 0.1)
    assert load_recipe(tmp_path / "more.yaml", ["corpus=as_is"]).corpus.as_is
    with pytest.raises(RecipeError, match="base.yaml.*corpus.*expected a section of keys"):
        (tmp_path / "base.yaml").write_text(yaml.safe_dump(content | {"corpus": "asis"}), encoding="utf-8")
        load_recipe(tmp_path / "base.yaml")


@pytest.mark.parametrize("name", ["llimba-3b", "llimba-3b-full", "sardinian-3b"])
def test_the_published_text_is_taken_as_it_is(name: str) -> None:
    loaded = load_recipe(Path(__file__).parents[3] / "recipes" / f"{name}.yaml")
    assert loaded.corpus.as_is
    assert not loaded.instruct.deduplicate
