"""Other ways of decoding: columns of their own, the evaluation's own prompt, agreement by hand."""

from pathlib import Path
from typing import Any

import pytest

from llimba.errors import RecipeError
from llimba.files import read_jsonl
from llimba.reports.evaluated import EvaluatedFolder
from llimba.reports.rows import Evaluated, columns_of
from llimba.stages.evaluate import decoding, stage
from llimba.stages.evaluate.decoding import agreed
from tests.fakes import recipe, recipe_content
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
    how = {"beam2": {"num_beams": 2}, "mbr": {"samples": 3, "temperature": 0.5}}
    asked, out = loaded(tmp_path, how), tmp_path / "out"
    facts = stage.run(asked, inputs, out)
    scores = EvaluatedFolder(out).scores()
    assert list(scores.systems) == ["copy", "base", "cpt", "sft", "sft, beam2", "sft, mbr"]
    beam, mbr = scores.systems["sft, beam2"], scores.systems["sft, mbr"]
    assert not mbr.bits_per_byte
    assert mbr.translation["it-sc"].sentences == 3
    assert beam.behaviour and beam.behaviour.all["copy"].answers == 3
    assert mbr.decoding == asked.evaluate.decoding["mbr"]
    assert [name for name, of in scores.systems.items() if of.decoding] == ["sft, beam2", "sft, mbr"]
    for row in answers(out, "sft, mbr"):
        assert len(row["candidates"]) == 3
        assert row["hypothesis"] in row["candidates"]
    headings = [column.heading for column in columns_of([Evaluated(asked, scores)])]
    assert headings[-3:] == ["after SFT", "sft, beam2", "sft, mbr"]

    def forbidden(*_: Any) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(decoding, "_scored", forbidden)
    assert stage.run(asked, inputs, out) == facts


@pytest.mark.parametrize("form", ["chat", "completion"])
def test_the_prompt_is_the_evaluations_own(
    tmp_path: Path,
    inputs: dict[str, Path],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    candidates = decoding._candidates

    def greedy(recipe: Any, model: Any, prompts: Any, how: Any, bar: Any) -> Any:
        return candidates(recipe, model, prompts, how.model_copy(update={"num_beams": 1}), bar)

    monkeypatch.setattr(decoding, "_candidates", greedy)
    asked, out = loaded(tmp_path, {"same": {"num_beams": 2}}, prompt=form), tmp_path / "out"
    stage.run(asked, inputs, out)
    wanted = [(row["id"], row["hypothesis"], row["stopped"]) for row in answers(out, "sft")]
    assert [(row["id"], row["hypothesis"], row["stopped"]) for row in answers(out, "sft, same")] == wanted


def test_agreement_is_with_the_others_not_with_oneself() -> None:
    assert agreed(["xyz", "su sole est bellu", "sa luna est manna", "su sole est bella"]) in (1, 3)
    assert agreed(["xyz", "su sole", "su sole", "abc"]) == 1
    assert agreed(["", "", "su sole"]) == 0


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "the greedy column itself"),
        ({"samples": 1}, "two or more"),
        ({"samples": 4, "num_beams": 2}, "without num_beams"),
    ],
)
def test_the_recipe_is_checked(tmp_path: Path, how: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        loaded(tmp_path, {"x": how})
