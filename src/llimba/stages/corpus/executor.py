"""Runs a datatrove pipeline where the recipe says: this machine's cores, Slurm or Ray; finished tasks are not redone.

datatrove's executors do the work, keep a log and a completion marker per task, and skip what is marked. Its local pool
waits for ever for a worker that was killed, which is what a machine short of memory does; here the pool is Python's own
`ProcessPoolExecutor`, which notices at once. Workers end with llimba, so that a second run never writes beside them.
"""

import contextlib
import copy
import io
import logging
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep

from llimba import progress
from llimba.errors import StageError
from llimba.recipe import Executor

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.5


class LocalExecutor(LocalPipelineExecutor):  # type: ignore[misc]
    """datatrove's local executor with a pool that cannot hang, its log in files alone."""

    pipeline: list[PipelineStep]

    def _run_for_rank(self, *args: Any, **kwargs: Any) -> Any:
        with contextlib.redirect_stderr(io.StringIO()):
            return super()._run_for_rank(*args, **kwargs)

    def run(self) -> None:
        """Run what is not finished; raises what a task raised, and `StageError` where a worker was killed."""
        ranks = self.get_incomplete_ranks()
        if self.workers > 1 and len(ranks) > 1:
            self._run_in_pool(ranks)
            return
        whole = self.pipeline
        for rank in ranks:
            self.pipeline = copy.deepcopy(whole)  # the steps count what they did
            self._run_for_rank(rank)

    def _run_in_pool(self, ranks: list[int]) -> None:
        context = multiprocessing.get_context("forkserver")
        before = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(min(self.workers, len(ranks)), context, initializer=_in_worker)
        futures = [pool.submit(self._run_for_rank, rank) for rank in ranks]
        workers = [child for child in multiprocessing.active_children() if child not in before]
        try:
            for future in as_completed(futures):
                future.result()
        except BrokenProcessPool as error:
            raise _killed([worker.exitcode for worker in workers], self.workers) from error
        finally:
            for worker in workers if any(not future.done() for future in futures) else ():
                worker.kill()  # half a shard is written again
            pool.shutdown(cancel_futures=True)


def _in_worker() -> None:
    """Leave Ctrl-C to llimba itself, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _killed(exit_codes: list[int | None], workers: int) -> StageError:
    """What happened to a worker that is gone; the pool ends the others by SIGTERM."""
    signals = {-code for code in exit_codes if code is not None and code < 0} - {signal.SIGTERM}
    how = f"was killed ({signal.Signals(min(signals)).name})" if signals else "ended"
    return StageError(
        f"corpus: a worker process {how} in the middle of its shard; most likely the machine ran out of memory. Run "
        f"the same command again: finished shards are kept. Fewer workers than {workers} need less memory "
        "(corpus.executor.workers)."
    )


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
        return LocalExecutor(**common, workers=workers)
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
