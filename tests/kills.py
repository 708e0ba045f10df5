"""Kill -9 a run at chosen moments, start it again, and look at what it leaves in the end. For tests and `make soak`.

A run is a child process that gets SIGKILL at its n-th event, counted with Python's audit hooks: a file opened, renamed
or removed under the runs folder, or an optimizer step begun. So a kill falls before, inside and after every write, the
checkpoint's, the model's and the manifest's alike. Children come from a fork server that has torch loaded already.
"""

import hashlib
import json
import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from llimba.digests import VERIFIED

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["torch", "transformers", "accelerate", "peft", "llimba.training.loop", "lm_eval"])
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "llimba.step"}
CLOCKS = {"seconds", "tokens_per_second", "training_seconds"}  # what no two runs share


def _child(recipe: Path, runs: Path, until: str, kill_at: int | None, threads: int, count: Any) -> None:
    """Run the recipe; die at event `kill_at`, else leave the number of events in `count`."""
    sys.stderr = (runs.parent / "stderr.log").open("a")
    import torch

    from llimba import progress
    from llimba.pipeline import runner
    from llimba.recipe.file import load_recipe
    from llimba.training import packing

    progress.console.file = sys.stderr

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in EVENTS and (event == "llimba.step" or str(runs) in str(arguments[0])):
            count.value += 1
            if count.value == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    share = packing.share

    def share_and_tell(*arguments: Any) -> Any:
        sys.audit("llimba.step")
        return share(*arguments)

    packing.share = share_and_tell
    torch.set_num_threads(threads)
    loaded = load_recipe(recipe)
    sys.addaudithook(hook)
    runner.run(loaded, runs, until)


def run(recipe: Path, runs: Path, until: str, kill_at: int | None = None, threads: int = 1) -> tuple[bool, int]:
    """One attempt; returns whether it came to its end, and how many events it saw. Raises where it failed otherwise.

    Two runs of one model are the same bits only with the same number of threads.
    """
    count = SERVER.Value("q", 0, lock=False)
    child = SERVER.Process(target=_child, args=(recipe, runs, until, kill_at, threads, count))
    child.start()
    child.join()
    if child.exitcode not in (0, -signal.SIGKILL):
        raise AssertionError((runs.parent / "stderr.log").read_text()[-3000:])
    return child.exitcode == 0, count.value


def run_with_kills(
    recipe: Path,
    runs: Path,
    until: str,
    kills: int,
    events: int,
    chance: random.Random,
    told: Callable[[str], None],
    threads: int = 1,
) -> int:
    """Run to the end through at most `kills` kills at random events; returns how many there were.

    `events`: what a whole run sees. A kill falls in the first half of that, counted anew in each attempt, so the first
    stages, every step and save, the export and the manifest all get their share as the run goes on.
    """
    for done in range(kills):
        at = chance.randint(1, max(2, events // 2))
        finished, _ = run(recipe, runs, until, at, threads)
        if finished:
            return done
        told(f"killed at event {at} of at most {events}")
    finished, _ = run(recipe, runs, until, threads=threads)
    assert finished
    return kills


def bytes_left(runs: Path, stages: Sequence[str]) -> dict[str, str]:
    """Every file that the stages left, by digest; of what holds clocks only what two runs must share."""
    found = {}
    for stage in stages:
        (folder,) = (path for path in (runs / stage).iterdir() if path.is_dir())
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = f"{stage}/{path.relative_to(folder)}"
            if (
                "/trackers/" in name
                or name.endswith(("manifest.json", VERIFIED, ".png"))
                or name in ("publish/model/README.md", "publish/cpt/README.md")
            ):
                continue  # clocks all over
            content = path.read_bytes()
            if path.suffix in (".json", ".jsonl"):
                lines = content.decode().splitlines() if path.suffix == ".jsonl" else [content.decode()]
                content = json.dumps([_without_clocks(json.loads(line)) for line in lines]).encode()
            found[name] = hashlib.sha256(content).hexdigest()
    return found


def _without_clocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_clocks(item) for key, item in value.items() if key not in CLOCKS}
    return [_without_clocks(item) for item in value] if isinstance(value, list) else value
