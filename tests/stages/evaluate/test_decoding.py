"""Other ways of decoding: columns of their own, the evaluation's own prompt, agreement and retrieval by hand."""

from pathlib import Path
from typing import Any

import pytest

from llimba.errors import RecipeError, Unavailable
from llimba.files import read_jsonl
from llimba.records import Pair, write_records
from llimba.reports.table import columns_of
from llimba.stages.evaluate import decoding, stage
from llimba.stages.evaluate.decoding import agreed, retrieve
from tests.fakes import SENTENCES, recipe, recipe_content
from tests.models.translators.engines import Backwards
from tests.stages.evaluate.test_stage import inputs  # noqa: F401


def loaded(tmp_path: Path, how: dict[str, Any], **changes: Any) -> Any:
    evaluate = recipe_content(tmp_path)["evaluate"] | {"directions": ["it-sc"], "decoding": how, **changes}
    return recipe(tmp_path, evaluate=evaluate)


def answers(folder: Path, heading: str) -> list[dict[str, Any]]:
    return list(read_jsonl(folder / "hypotheses" / f"{heading}.it-sc.jsonl"))


def test_columns_beside_the_greedy_one_and_none_decoded_twice(
    tmp_path: Path,
    inputs: dict[str, Path],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = ({code: SENTENCES[code][i] for code in ("sc", "it")} for i in range(3, 10))
    pairs = (Pair(id=str(i), texts=t, source="s", license="x", provenance="p") for i, t in enumerate(texts))
    write_records(inputs["corpus"] / "pairs.jsonl", pairs)
    how = {"beam2": {"num_beams": 2}, "mbr": {"samples": 3, "temperature": 0.5}, "shown": {"retrieved": 2}}
    asked, out = loaded(tmp_path, how), tmp_path / "out"
    scores = stage.run(asked, inputs, out)
    assert scores["systems"] == ["copy", "base", "cpt", "sft", "sft, beam2", "sft, mbr", "sft, shown"]
    assert "sft, mbr" not in scores["bits_per_byte"]
    assert scores["translation"]["sft, mbr"]["it-sc"]["sentences"] == 3
    assert scores["behaviour"]["sft, beam2"]["all"]["copy"]["answers"] == 3
    assert scores["decoding"]["sft, mbr"]["samples"] == 3
    assert set(scores["decoding"]) == {"sft, beam2", "sft, mbr", "sft, shown"}
    for row in answers(out, "sft, mbr"):
        assert len(row["candidates"]) == 3
        assert row["hypothesis"] in row["candidates"]
    headings = [heading for heading, _, _ in columns_of([(asked, scores)])]
    assert headings[-4:] == ["after SFT", "sft, beam2", "sft, mbr", "sft, shown"]

    def forbidden(*_: Any) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(decoding, "_scored", forbidden)
    assert stage.run(asked, inputs, out) == scores


@pytest.mark.parametrize("form", ["chat", "completion"])
def test_the_prompt_is_the_evaluations_own(tmp_path: Path, inputs: dict[str, Path], form: str) -> None:  # noqa: F811
    asked, out = loaded(tmp_path, {"beam2": {"num_beams": 2}}, prompt=form), tmp_path / "out"
    greedy = asked.evaluate.decoding["beam2"].model_copy(update={"num_beams": 1})
    evaluate = asked.evaluate.model_copy(update={"decoding": {"same": greedy}})
    stage.run(asked.model_copy(update={"evaluate": evaluate}), inputs, out)
    wanted = [(row["id"], row["hypothesis"], row["stopped"]) for row in answers(out, "sft")]
    assert [(row["id"], row["hypothesis"], row["stopped"]) for row in answers(out, "sft, same")] == wanted


def test_a_draft_stands_in_the_prompt_and_a_missing_engine_is_left_out(
    tmp_path: Path,
    inputs: dict[str, Path],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = {"engine": "apertium", "source_language": "it", "route": ["ita-srd"]}
    how = {"hybrid": {"draft": {"it-sc": engine}}, "absent": {"draft": {"it-sc": engine | {"route": ["none"]}}}}
    seen: list[str] = []

    def open_engine(settings: Any, *_: Any) -> Backwards:
        if settings.route == ["none"]:
            raise Unavailable("no Apertium here")
        return Backwards()

    def generate(_recipe: Any, _model: Any, prompts: list[str], *_: Any) -> list[list[tuple[str, bool]]]:
        seen.extend(prompts)
        return [[("\n eja \nnono", True)] for _ in prompts]

    monkeypatch.setattr(decoding, "open_engine", open_engine)
    monkeypatch.setattr(decoding, "generate", generate)
    scores = stage.run(loaded(tmp_path, how), inputs, tmp_path / "out")
    assert scores["systems"][-1] == "sft, hybrid"
    assert "left out: evaluate.decoding.absent.draft.it-sc: no Apertium here" in caplog.text
    draft = Backwards().one(SENTENCES["it"][0])
    assert any(f"{SENTENCES['it'][0]}\n\nA draft to correct: {draft}<|im_end|>" in prompt for prompt in seen)
    assert {row["hypothesis"] for row in answers(tmp_path / "out", "sft, hybrid")} == {"eja"}


def test_agreement_is_with_the_others_not_with_oneself() -> None:
    assert agreed(["xyz", "su sole est bellu", "sa luna est manna", "su sole est bella"]) in (1, 3)
    assert agreed(["xyz", "su sole", "su sole", "abc"]) == 1
    assert agreed(["", "", "su sole"]) == 0


def test_the_nearest_pairs_come_last_and_never_the_sentence_itself() -> None:
    pairs = [
        ("il cane dorme sotto il grande albero", "su cane dormit suta de sa mata manna"),
        ("il gatto dorme sotto il letto grande", "su gatu dormit suta de su letu mannu"),
        ("oggi piove molto in tutta la regione", "oe proet meda in totu sa regione"),
        ("il gatto dorme", "su gatu dormit"),
    ]
    (shown,) = retrieve(["il gatto nero dorme sotto il tavolo"], pairs, 2)
    assert shown == [pairs[0], pairs[1]]
    (without,) = retrieve([pairs[1][0]], pairs, 2)
    assert pairs[1] not in without
    assert retrieve(["tutto altro"], pairs[3:], 2) == [[]]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "the greedy column itself"),
        ({"samples": 1}, "two or more"),
        ({"samples": 4, "num_beams": 2}, "without num_beams"),
        ({"draft": {"sc-it": {"engine": "model", "source_language": "sc"}}}, "must be one of evaluate.directions"),
        ({"draft": {"it-sc": {"engine": "model", "source_language": "sc"}}}, "source_language is sc"),
    ],
)
def test_the_recipe_is_checked(tmp_path: Path, how: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        loaded(tmp_path, {"x": how})
    draft = {"x": {"draft": {"it-sc": {"engine": "model", "source_language": "it", "folder": "there"}}}}
    with pytest.raises(RecipeError, match="needs evaluate.prompt: chat"):
        loaded(tmp_path, draft, prompt="completion")
    assert loaded(tmp_path, draft).evaluate.decoding["x"].draft["it-sc"].folder == tmp_path / "there"
