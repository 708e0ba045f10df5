"""The whole evaluate stage on tiny models: shape of the scores, saved answers, no system scored twice."""

from pathlib import Path
from typing import Any

import pytest

from llimba.errors import RecipeError, Unavailable
from llimba.files import read_json, read_jsonl
from llimba.languages.identify.identifier import Identifier
from llimba.records import Document, write_records
from llimba.reports import table
from llimba.stages.evaluate import baselines, cache, stage
from tests.fakes import SENTENCES, evaluation_pairs, recipe, recipe_content, save_tiny_model
from tests.languages.identify.test_identifier import lines
from tests.models.translators.engines import Backwards


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    corpus = tmp_path / "corpus"
    write_records(corpus / "evaluation.jsonl", evaluation_pairs(range(3)))
    documents = [
        Document(id=f"{c}{i}", text=SENTENCES[c][i], language=c, source="s", license="x", provenance="p")
        for c in ("sc", "it")
        for i in range(3)
    ]
    write_records(corpus / "held_out.jsonl", documents)
    save_tiny_model(tmp_path / "base")
    for name in ("cpt", "sft"):
        save_tiny_model(tmp_path / name / "model", seed=len(name))
    return {"corpus": corpus, "cpt": tmp_path / "cpt", "sft": tmp_path / "sft"}


def test_scores(tmp_path: Path, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "runs" / "evaluate" / "out"
    asked = {**recipe_content(tmp_path)["evaluate"], "translation_bits_per_byte": True}
    loaded = recipe(tmp_path, evaluate=asked)
    scores = stage.run(loaded, inputs, out)
    assert scores == read_json(out / "scores.json")
    assert scores["systems"] == ["copy", "base", "cpt", "sft"]
    assert scores["bits_per_byte"]["base"]["sc"]["bytes"] == sum(len(s.encode()) for s in SENTENCES["sc"][:3])
    assert 7 < scores["bits_per_byte"]["cpt"]["it"]["value"] < 9  # an untrained byte model knows nothing: 8 bits
    assert scores["translation"]["copy"]["it-sc"]["sentences"] == 3
    assert set(scores["translation_bits_per_byte"]) == {"base", "cpt", "sft"}
    assert 7 < scores["translation_bits_per_byte"]["sft"]["sc-it"]["value"] < 9
    assert scores["stopping"]["sft"]["answers"] == 6
    assert scores["prompt"] == "Translate from Italian to Sardinian: ..."
    answers = list(read_jsonl(out / "hypotheses" / "sft.sc-it.jsonl"))
    assert [a["reference"] for a in answers] == [
        a["reference"] for a in read_jsonl(out / "hypotheses" / "copy.sc-it.jsonl")
    ]
    assert set(scores["behaviour"]["sft"]) == {"all", "it-sc", "sc-it"}
    assert scores["behaviour"]["sft"]["all"]["no_end"]["answers"] == 6
    assert scores["behaviour"]["sft"]["all"]["no_end"]["share"] == round(1 - scores["stopping"]["sft"]["share"], 4)
    assert set(answers[0]) == {"id", "source", "reference", "hypothesis", "raw", "stopped"}

    def forbidden(*_: Any) -> None:
        raise AssertionError("scored again")

    monkeypatch.setattr(cache, "score", forbidden)
    assert stage.run(loaded, inputs, out) == scores


def test_the_mode_switch_is_probed_where_it_is_asked_for(tmp_path: Path, inputs: dict[str, Path]) -> None:
    texts = {code: lines(code, 100, 1) for code in ("sc", "it", "es")}
    Identifier.train(texts, "sc", 1).save(inputs["corpus"] / "identifier.safetensors")
    content = recipe_content(tmp_path)
    probe = {"temperatures": [0, 0.9], "seeds": 1, "max_new_tokens": 4}
    evaluate = {**content["evaluate"], "directions": ["it-sc"], "mode_switch": probe}
    scores = stage.run(
        recipe(tmp_path, evaluate=evaluate, corpus={"identify": ["prose"]}),
        inputs,
        tmp_path / "runs" / "evaluate" / "out",
    )
    assert set(scores["mode_switch"]) == {"base", "cpt", "sft"}
    assert scores["mode_switch"]["sft"]["0.9"]["target"]["answers"] == 10
    assert "wrong_language" in scores["behaviour"]["sft"]["all"]
    saved = list(read_jsonl(tmp_path / "runs" / "evaluate" / "out" / "hypotheses" / "sft.mode_switch.jsonl"))
    assert len(saved) == 20


def test_a_baseline_is_a_row_of_its_own_and_a_missing_one_is_left_out(
    tmp_path: Path, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    content = recipe_content(tmp_path)["evaluate"]
    apertium = {"engine": "apertium", "source_language": "it", "route": ["ita-srd"]}
    evaluate = {**content, "baselines": {"apertium": {"it-sc": apertium}, "absent": {"it-sc": apertium}}}
    opened = []

    def open_engine(*_: Any) -> Any:
        opened.append(1)
        if len(opened) > 1:
            raise Unavailable("no Apertium here")
        return Backwards()

    monkeypatch.setattr(baselines, "open_engine", open_engine)
    loaded = recipe(tmp_path, evaluate=evaluate)
    scores = stage.run(loaded, inputs, tmp_path / "runs" / "evaluate" / "out")
    assert scores["systems"] == ["copy", "apertium", "base", "cpt", "sft"]
    assert set(scores["translation"]["apertium"]) == {"it-sc"}
    assert "left out: evaluate.baselines.absent.it-sc: no Apertium here" in caplog.text
    saved = list(read_jsonl(tmp_path / "runs" / "evaluate" / "out" / "hypotheses" / "apertium.it-sc.jsonl"))
    assert len(saved) == 3
    shown = table.rows(loaded, scores, [("apertium", scores, "apertium")])
    assert [cells for label, cells, _ in shown if label == "  SC → IT"] == [["–"], ["–"]]
    with pytest.raises(RecipeError, match="source_language is it, and the direction must be"):
        recipe(tmp_path, evaluate={**content, "baselines": {"x": {"sc-it": apertium}}})
    own = {"engine": "model", "source_language": "sc"}
    with pytest.raises(RecipeError, match="baselines.x.sc-it: the engine model needs a folder to be a baseline"):
        recipe(tmp_path, evaluate={**content, "baselines": {"x": {"sc-it": own}}})
    with pytest.raises(RecipeError, match="that is a system of llimba's own"):
        recipe(tmp_path, evaluate={**content, "baselines": {"sft": {}}})
