"""Pipelines run where the recipe says; what is finished is not redone, what fails is told."""

from pathlib import Path
from typing import Any

import pytest
from datatrove.pipeline.base import PipelineStep

from llimba.errors import StageError
from llimba.recipe import Executor
from llimba.stages.corpus.executor import run_pipeline


class Mark(PipelineStep):
    """Leaves a line for every time that a task ran."""

    type, name = "test", "mark"

    def __init__(self, folder: Path, fails: int | None = None) -> None:
        super().__init__()
        self.folder, self.fails = folder, fails

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        with (self.folder / f"{rank}").open("a") as handle:
            handle.write(f"{world_size}\n")
        if rank == self.fails:
            raise StageError(f"task {rank} cannot")


@pytest.mark.parametrize("tasks", [1, 3])
def test_each_task_runs_once_and_a_finished_one_is_skipped(tmp_path: Path, tasks: int, capfd: Any) -> None:
    settings = Executor(workers=2)
    for _ in range(2):
        run_pipeline("marks", [Mark(tmp_path)], tasks, tmp_path / "logs", settings)
    assert [(tmp_path / str(rank)).read_text() for rank in range(tasks)] == [f"{tasks}\n"] * tasks
    assert "datatrove" not in capfd.readouterr().err  # the log is in its file
    assert "Launching" in (tmp_path / "logs" / "logs" / "task_00000.log").read_text()


@pytest.mark.parametrize("tasks", [1, 2])
def test_an_error_comes_through_and_the_rest_is_kept(tmp_path: Path, tasks: int) -> None:
    with pytest.raises(StageError, match="task 0 cannot"):
        run_pipeline("marks", [Mark(tmp_path, fails=0)], tasks, tmp_path / "logs", Executor(workers=1))
    run_pipeline("marks", [Mark(tmp_path)], tasks, tmp_path / "logs", Executor(workers=1))
    assert len((tmp_path / "0").read_text().split()) == 2


def test_a_cluster_that_cannot_be_asked_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="slurm cannot run.*corpus.executor.options"):
        run_pipeline("marks", [Mark(tmp_path)], 1, tmp_path / "logs", Executor(kind="slurm"))


def test_ray_runs_the_same_pipeline(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    run_pipeline("marks", [Mark(tmp_path)], 2, tmp_path / "logs", Executor(kind="ray", workers=2))
    assert (tmp_path / "1").read_text() == "2\n"
