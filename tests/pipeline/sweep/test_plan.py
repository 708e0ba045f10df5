"""What a sweep would do: shared stages count once, nothing is touched."""

from pathlib import Path

import pytest

from llimba.errors import RecipeError
from llimba.manifest import write_manifest
from llimba.pipeline.sweep.arms import prepare_sweep
from llimba.pipeline.sweep.plan import plan_sweep
from tests.fakes import manifest, recipe, save_tiny_model, write_text


def test_shared_stages_count_once_and_nothing_is_touched(tmp_path: Path) -> None:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    path = recipe(tmp_path, cpt={"max_tokens": 500_000}).path
    sweep = prepare_sweep(path, ["sft.learning_rate=1e-4,1e-3,1e-2", "seed=1"], None, tmp_path / "runs", "sft")
    plan = plan_sweep(sweep, "rtx4090")
    assert {name: len(stage.runs) for name, stage in plan.stages.items()} == {
        "sources": 1, "corpus": 1, "instruct": 1, "cpt": 1, "sft": 3,
    }  # fmt: skip
    assert plan.stages["cpt"].hours is not None
    assert plan.stages["corpus"].hours is None
    assert plan.stages["sft"].note.endswith("min a million tokens")
    assert list(plan.arms.values()) == [False, False, False]
    assert not (tmp_path / "runs").exists()
    for step in sweep.plan(sweep.arms[0]):
        if step.stage.name in ("sources", "cpt"):
            write_manifest(step.folder, manifest(step.stage.name))
    plan = plan_sweep(sweep, "rtx4090")
    assert [plan.stages[name].done for name in ("sources", "corpus", "cpt")] == [1, 0, 1]
    assert plan.stages["cpt"].hours is None, "what is done takes no more time"
    assert not any(plan.arms.values()), "an arm is done when all of its stages are"


def test_the_hours_of_the_runs_that_are_not_done_add_up(tmp_path: Path) -> None:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    path = recipe(tmp_path, cpt={"max_tokens": 500_000}).path
    sweep = prepare_sweep(path, ["cpt.learning_rate=1e-4,1e-3,1e-2"], None, tmp_path / "runs", "cpt")
    hours = plan_sweep(sweep, "rtx4090").stages["cpt"].hours
    assert hours is not None
    step = next(step for step in sweep.plan(sweep.arms[1]) if step.stage.name == "cpt")
    write_manifest(step.folder, manifest("cpt"))
    stage = plan_sweep(sweep, "rtx4090").stages["cpt"]
    assert (len(stage.runs), stage.done) == (3, 1)
    assert stage.hours == pytest.approx(hours * 2 / 3)


def test_a_stage_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write_text(tmp_path)
    with pytest.raises(RecipeError, match="--until training: there is no such stage"):
        prepare_sweep(recipe(tmp_path).path, ["seed=1"], None, tmp_path / "runs", "training")
