"""Runs a datatrove pipeline where the recipe says: this machine's cores, Slurm or Ray; finished tasks are not redone.

datatrove's executors do the work, keep a log and a completion marker per task, and skip what is marked. What is added
is that one task needs no pool, that the log stays off the terminal, and a progress bar.
"""

import contextlib
import io
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

import loguru
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep

from llimba import progress
from llimba.errors import StageError
from llimba.recipe import Executor

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.5


class QuietLocalExecutor(LocalPipelineExecutor):  # type: ignore[misc]
    """datatrove's local executor, its log in files alone."""

    def _run_for_rank(self, *args: Any, **kwargs: Any) -> Any:
        with contextlib.redirect_stderr(io.StringIO()):
            return super()._run_for_rank(*args, **kwargs)

    def run(self) -> Any:
        """One task runs in this process: no pool, no manager."""
        if self.tasks == 1:
            return self._run_for_rank(0)
        loguru.logger.disable("datatrove")  # in this process; the tasks' own logs are files
        try:
            return super().run()
        finally:
            loguru.logger.enable("datatrove")


def run_pipeline(title: str, steps: list[PipelineStep], tasks: int, logs: Path, settings: Executor) -> None:
    """Run the steps once for each task, and come back when all are done.

    Raises what a step raised; on a cluster, `StageError` where the executor gave up.
    """
    executor = _executor(title, steps, tasks, logs, settings)
    with progress.bar(f"corpus: {title}", tasks, "shards") as bar, _watch(executor, bar):
        executor.run()
        if settings.kind != "local":
            logger.info("  waiting for %s; a task that fails says so under %s", settings.kind, logs)
        while settings.kind != "local" and executor.get_incomplete_ranks():  # sbatch comes back at once
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _executor(title: str, steps: list[PipelineStep], tasks: int, logs: Path, settings: Executor) -> Any:
    common = {"pipeline": steps, "tasks": tasks, "logging_dir": str(logs)}
    if settings.kind == "local":
        workers = min(settings.workers or os.cpu_count() or 1, tasks)
        return QuietLocalExecutor(**common, workers=workers, start_method="fork" if workers == 1 else "forkserver")
    options = {"workers": settings.workers or -1, **settings.options}
    try:
        if settings.kind == "slurm":
            from datatrove.executor import SlurmPipelineExecutor

            return SlurmPipelineExecutor(**common, job_name=f"llimba-{title}", **options)
        from datatrove.executor import RayPipelineExecutor

        return RayPipelineExecutor(**common, **options)
    except (ImportError, TypeError) as error:
        raise StageError(
            f"corpus.executor: {settings.kind} cannot run ({error}). Install what it needs, and see under "
            f"corpus.executor.options what datatrove's executor asks for."
        ) from error


@contextlib.contextmanager
def _watch(executor: Any, bar: progress.Bar) -> Any:
    """Advance the bar as completion markers appear."""
    ended, seen = threading.Event(), executor.world_size - len(executor.get_incomplete_ranks())
    bar.resume_at(seen)

    def look() -> None:
        nonlocal seen
        done = executor.world_size - len(executor.get_incomplete_ranks())
        if done > seen:
            bar.advance(done - seen)
            seen = done

    def watch() -> None:
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        look()
