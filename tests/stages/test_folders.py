"""What a stage leaves is read back as it was written, whatever a language is called."""

from pathlib import Path

import yaml

from llimba.files import read_jsonl, write_jsonl
from llimba.languages.profile import PROFILES
from llimba.stages.corpus.stage import run as run_corpus
from llimba.stages.evaluate.stage import score_models
from llimba.stages.folders import CorpusFolder
from llimba.stages.sources.stage import run as run_sources
from tests.fakes import SENTENCES, recipe, recipe_content, save_tiny_model


def test_a_language_may_have_the_name_of_a_field(tmp_path: Path) -> None:
    """From sources to scores with Indonesian to be learned, whose code is `id`, and two more names of fields."""
    profile = yaml.safe_load((PROFILES / "srd.yaml").read_text(encoding="utf-8"))
    profile["code"], profile["names"]["id"] = "id", profile["names"].pop("sc")
    profile["names"] |= {code: {"en": code.title()} for code in ("source", "role")}
    (tmp_path / "ind.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    texts = {"id": SENTENCES["sc"], "source": SENTENCES["it"], "role": SENTENCES["es"]}
    for name, numbers in (("train", range(7)), ("dev", range(7, 10))):
        rows = ({"row": f"r{i}", **{code: lines[i] for code, lines in texts.items()}} for i in numbers)
        write_jsonl(tmp_path / f"{name}.jsonl", rows)
    aligned = {"kind": "parallel", "pairs": list(texts), "id": "row", "license": "CC0-1.0"}
    content, directions = recipe_content(tmp_path), ["id-source", "role-id"]
    loaded = recipe(
        tmp_path,
        language=str(tmp_path / "ind.yaml"),
        sources={
            "aligned": {**aligned, "path": str(tmp_path / "train.jsonl"), "documents": ["id"]},
            "scored": {**aligned, "path": str(tmp_path / "dev.jsonl"), "role": "evaluate"},
        },
        cpt={**content["cpt"], "mixture": {}},
        instruct={"directions": directions},
        evaluate={**content["evaluate"], "directions": directions, "languages": list(texts)},
    )
    corpus = CorpusFolder(tmp_path / "corpus")
    for folder in (tmp_path / "sources", corpus.path):
        folder.mkdir()
    run_sources(loaded, {}, tmp_path / "sources")
    run_corpus(loaded, {"sources": tmp_path / "sources"}, corpus.path)
    scored = list(corpus.evaluation())
    assert [pair.texts for pair in scored] == [{code: lines[i] for code, lines in texts.items()} for i in (7, 8, 9)]
    assert {text for _, text in corpus.scored_texts()} >= set(texts["id"][7:])
    out = tmp_path / "out"
    score_models(loaded, corpus, {"base": save_tiny_model(tmp_path / "base")}, out, tmp_path / "store")
    answers = list(read_jsonl(out / "hypotheses" / "base.id-source.jsonl"))
    assert {(row["id"], row["source"], row["reference"]) for row in answers} == {
        (pair.id, pair.texts["id"], pair.texts["source"]) for pair in scored
    }
