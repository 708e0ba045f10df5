"""What a sweep would do: shared stages count once, nothing is touched."""

from pathlib import Path

import pytest
from rich.console import Console

from llimba.errors import RecipeError
from llimba.pipeline.sweep.arms import arms
from llimba.pipeline.sweep.outlook import duration, outlook, steps_of, table
from tests.fakes import recipe, save_tiny_model, write_text


def test_shared_stages_count_once_and_nothing_is_touched(tmp_path: Path) -> None:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    found = arms(recipe(tmp_path, cpt={"max_tokens": 500_000}).path, ["sft.learning_rate=1e-4,1e-3,1e-2", "seed=1"])
    told = outlook(found, tmp_path / "runs", "sft", "rtx4090")
    assert {stage: len(row["runs"]) for stage, row in told["stages"].items()} == {
        "sources": 1, "corpus": 1, "instruct": 1, "cpt": 1, "sft": 3,
    }  # fmt: skip
    (cpt,) = told["stages"]["cpt"]["runs"].values()
    assert cpt["hours"] is not None
    assert told["stages"]["sft"]["unknown"].endswith("min a million tokens")
    assert [arm["done"] for arm in told["arms"]] == [False, False, False]
    assert len({arm["fingerprints"]["cpt"] for arm in told["arms"]}) == 1
    assert not (tmp_path / "runs").exists()
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(table(told))
    shown = console.export_text()
    assert "shared by all arms" in shown
    assert "3 arms" in shown


def test_a_stage_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write_text(tmp_path)
    (arm,) = arms(recipe(tmp_path).path, ["seed=1"])
    with pytest.raises(RecipeError, match="--until training: there is no such stage"):
        steps_of(arm, tmp_path / "runs", "training")


def test_durations_are_said_in_what_people_count_in() -> None:
    assert [duration(hours) for hours in (2.25, 0.5, 0.005)] == ["2.2 h", "30 min", "18 s"]
