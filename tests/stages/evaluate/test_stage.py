"""The whole evaluate stage on tiny models: shape of the scores, saved answers, no system scored twice."""

from pathlib import Path
from typing import Any

import pytest

from llimba.errors import RecipeError, Unavailable
from llimba.files import read_json, read_jsonl
from llimba.languages.identify.identifier import Identifier
from llimba.records import Document, write_records
from llimba.reports.evaluated import EvaluatedFolder, read_answers
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
    facts = stage.run(loaded, inputs, out)
    assert facts == read_json(out / "scores.json")
    scores = EvaluatedFolder(out).scores()
    systems = scores.systems
    assert list(systems) == ["copy", "base", "cpt", "sft"]
    assert systems["base"].bits_per_byte["sc"].bytes == sum(len(s.encode()) for s in SENTENCES["sc"][:3])
    assert 7 < systems["cpt"].bits_per_byte["it"].value < 9  # an untrained byte model knows nothing: 8 bits
    assert systems["copy"].translation["it-sc"].sentences == 3
    assert [name for name, of in systems.items() if of.translation_bits_per_byte] == ["base", "cpt", "sft"]
    assert 7 < systems["sft"].translation_bits_per_byte["sc-it"].value < 9
    assert systems["sft"].seconds
    assert scores.conditions.prompt == "Translate from Italian to Sardinian: ..."
    answers = list(read_jsonl(out / "hypotheses" / "sft.sc-it.jsonl"))
    assert [a["reference"] for a in answers] == [
        a["reference"] for a in read_jsonl(out / "hypotheses" / "copy.sc-it.jsonl")
    ]
    behaviour = systems["sft"].behaviour
    assert behaviour is not None
    assert set(behaviour.by_direction) == {"it-sc", "sc-it"}
    stopped = [row["stopped"] for way in ("it-sc", "sc-it") for row in read_jsonl(out / f"hypotheses/sft.{way}.jsonl")]
    assert (behaviour.all["no_end"].answers, behaviour.all["no_end"].share) == (6, round(1 - sum(stopped) / 6, 4))
    assert set(answers[0]) == {"id", "source", "reference", "hypothesis", "raw", "stopped"}

    def forbidden(*_: Any) -> None:
        raise AssertionError("scored again")

    monkeypatch.setattr(cache, "measure_model", forbidden)
    assert stage.run(loaded, inputs, out) == facts


def test_the_mode_switch_is_probed_where_it_is_asked_for(tmp_path: Path, inputs: dict[str, Path]) -> None:
    texts = {code: lines(code, 100, 1) for code in ("sc", "it", "es")}
    Identifier.train(texts, "sc", 1).save(inputs["corpus"] / "identifier.safetensors")
    content = recipe_content(tmp_path)
    probe = {"temperatures": [0, 0.9], "seeds": 1, "max_new_tokens": 4}
    evaluate = {**content["evaluate"], "directions": ["it-sc"], "mode_switch": probe}
    out = tmp_path / "runs" / "evaluate" / "out"
    stage.run(recipe(tmp_path, evaluate=evaluate, corpus={"identify": ["prose"]}), inputs, out)
    systems = EvaluatedFolder(out).scores().systems
    assert [name for name, of in systems.items() if of.mode_switch] == ["base", "cpt", "sft"]
    assert systems["sft"].mode_switch[0.9].target.answers == 10
    assert systems["sft"].behaviour and "wrong_language" in systems["sft"].behaviour.all
    saved = list(read_jsonl(out / "hypotheses" / "sft.mode_switch.jsonl"))
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
    folder = EvaluatedFolder(tmp_path / "runs" / "evaluate" / "out")
    stage.run(loaded, inputs, folder.path)
    systems = folder.scores().systems
    assert list(systems) == ["copy", "apertium", "base", "cpt", "sft"]
    assert set(systems["apertium"].translation) == {"it-sc"}
    assert "left out: evaluate.baselines.absent.it-sc: no Apertium here" in caplog.text
    saved = read_answers(folder.answers_file("apertium", "it-sc"))
    assert [answer.engine for answer in saved] == [Backwards().name] * 3
    with pytest.raises(RecipeError, match="source_language is it, and the direction must be"):
        recipe(tmp_path, evaluate={**content, "baselines": {"x": {"sc-it": apertium}}})
    own = {"engine": "model", "source_language": "sc"}
    with pytest.raises(RecipeError, match="baselines.x.sc-it: the engine model needs a folder to be a baseline"):
        recipe(tmp_path, evaluate={**content, "baselines": {"x": {"sc-it": own}}})
    with pytest.raises(RecipeError, match="that is a system of llimba's own"):
        recipe(tmp_path, evaluate={**content, "baselines": {"sft": {}}})
