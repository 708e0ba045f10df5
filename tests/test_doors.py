"""What the machine or its owner does to a run in progress: signals, a closed terminal, a second run, a missing file.

Real processes and real signals; `docs/when-something-stops.md` has a sentence for each. Disks that are full or
read-only are injected in `test_runner.py` and `training/test_faults.py`.
"""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import recipe, recipe_content, save_tiny_model, write_text
from tests.test_smoke import llimba


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe whose cpt would take many minutes, and everything before it done."""
    folder = tmp_path_factory.mktemp("doors")
    write_text(folder)
    save_tiny_model(folder / "base")
    content = recipe_content(folder)
    recipe(folder, cpt={**content["cpt"], "num_train_epochs": 20000, "eval_steps": 10**6, "learning_rate": 1e-5})
    assert (
        llimba("run", str(folder / "small.yaml"), "--runs", str(folder / "runs"), "--until", "corpus").returncode == 0
    )
    return folder


@contextmanager
def training(folder: Path, **more: Any) -> Iterator["subprocess.Popen[str]"]:
    """`llimba run` in a process group of its own, at least three steps into cpt."""
    command = [sys.executable, "-m", "llimba", "run", str(folder / "small.yaml"), "--runs", str(folder / "runs")]
    before = steps(folder)
    with subprocess.Popen(command, text=True, start_new_session=True, **{"stderr": subprocess.PIPE, **more}) as process:
        try:
            deadline = time.monotonic() + 120
            while steps(folder) in (before, *range(3)) and time.monotonic() < deadline:
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def steps(folder: Path) -> int:
    """How many steps the metrics of the unfinished run show."""
    files = list((folder / "runs" / "cpt").glob("*.partial/metrics.jsonl"))
    return len(files[0].read_text().splitlines()) if files else 0


def saved(folder: Path) -> int:
    """The step of the newest checkpoint."""
    newest = max((folder / "runs" / "cpt").glob("*.partial/checkpoints/step-*"))
    return int(json.loads((newest / "checkpoint.json").read_text())["step"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_one_signal_finishes_the_step_saves_and_says_how_to_go_on(ready: Path, number: signal.Signals) -> None:
    with training(ready) as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 75
    assert f"stopped by {number.name} after step {saved(ready)} of" in " ".join(said.split())
    assert "Run the same command to continue" in " ".join(said.split())
    assert saved(ready) == steps(ready)


def test_a_closed_terminal_is_a_request_to_stop(ready: Path) -> None:
    leader, follower = pty.openpty()
    with training(ready, stdin=follower, stdout=follower, stderr=follower, preexec_fn=own_terminal) as process:
        os.close(follower)
        os.close(leader)  # what closing the window does: SIGHUP, and nowhere left to write to
        assert process.wait(timeout=60) == 75
    assert saved(ready) == steps(ready)


def own_terminal() -> None:
    """Make the pseudo-terminal the controlling one, as a shell does, so that its end is told with SIGHUP."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_interrupted_twice_it_stops_at_once_and_what_was_saved_stays(ready: Path) -> None:
    with training(ready) as process:
        before = saved(ready)
        os.kill(process.pid, signal.SIGSTOP)  # so that both arrive before the step ends
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        os.kill(process.pid, signal.SIGCONT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command to continue" in " ".join(said.split())
    assert saved(ready) == before


def test_a_second_run_in_the_same_place_is_refused_and_the_first_goes_on(ready: Path) -> None:
    with training(ready) as process:
        second = llimba("run", str(ready / "small.yaml"), "--runs", str(ready / "runs"))
        assert second.returncode == 2
        assert "another llimba is working in" in " ".join(second.stderr.split())
        assert process.poll() is None
        there = steps(ready)
        while steps(ready) == there:
            time.sleep(0.05)


def test_a_source_that_is_gone_is_named_before_anything_is_lost(ready: Path) -> None:
    (ready / "sc.txt").rename(ready / "elsewhere.txt")
    try:
        done = llimba("run", str(ready / "small.yaml"), "--runs", str(ready / "runs"))
    finally:
        (ready / "elsewhere.txt").rename(ready / "sc.txt")
    assert done.returncode == 2
    assert "sources.prose.path:" in done.stderr
    assert "does not exist. Fix: put it there, correct the path, or remove the key" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
