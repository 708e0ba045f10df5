"""Pipelines run where the recipe says; what is finished is not redone, what fails is told."""

import os
import signal
import subprocess
import sys
import time
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


class Die(Mark):
    """Is killed in task 1, as by the kernel when memory runs out; once."""

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        first = rank == 1 and not (self.folder / "1").exists()
        super().run(data, rank, world_size)
        if first:
            os.kill(os.getpid(), signal.SIGKILL)


class Sleep(PipelineStep):
    """Says who works, and takes long."""

    type, name = "test", "sleep"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        (self.folder / f"{os.getpid()}.pid").touch()
        time.sleep(60)


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


def test_a_worker_that_is_killed_is_noticed_said_and_its_shard_done_again(tmp_path: Path) -> None:
    started, settings = time.monotonic(), Executor(workers=2)
    with pytest.raises(StageError, match=r"SIGKILL.*out of memory. Run the same command again.*executor.workers"):
        run_pipeline("killed", [Die(tmp_path)], 8, tmp_path / "logs", settings)
    killed = float((tmp_path / "1").stat().st_mtime)
    assert time.time() - killed < 5, f"after {time.monotonic() - started:.1f} s in all"
    run_pipeline("killed", [Die(tmp_path)], 8, tmp_path / "logs", settings)
    times = [len((tmp_path / str(rank)).read_text().split()) for rank in range(8)]
    assert times[1] == 2 and max(times) <= 2 and min(times) == 1


def test_workers_end_with_llimba_so_that_none_writes_beside_the_next_run(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom llimba.recipe import Executor\n"
        "from llimba.stages.corpus.executor import run_pipeline\nfrom tests.stages.corpus.test_executor import Sleep\n"
        f"run_pipeline('s', [Sleep(Path({str(tmp_path)!r}))], 2, Path({str(tmp_path / 'logs')!r}), Executor(workers=2))"
    )
    run = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while len(pids := [int(path.stem) for path in tmp_path.glob("*.pid")]) < 2:
            assert run.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        run.kill()
        run.wait()
    deadline = time.monotonic() + 10
    while any(map(_lives, pids)):
        assert time.monotonic() < deadline, "workers work on"
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
