"""Stages on a disk that is really full: `python -m tests.full_disk RECIPE RUNS`, a JSON line a stage. For a test.

RUNS is a small tmpfs in a mount namespace of this process's own. Before each stage the disk is filled up to a few
blocks; the stage must refuse with a sentence, and end once there is room again. Training is met in its middle, too: the
disk fills up after its first checkpoint.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

from llimba.errors import StageError
from llimba.pipeline import runner
from llimba.recipe.file import load_recipe
from llimba.training import loop

ROOM = 8192  # bytes left: a folder and a file fit


def fill(place: Path, leave: int) -> Path:
    """A file that takes all room but `leave` bytes."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as handle:
        try:
            while handle.write(b"\0" * 4096):
                pass
        except OSError:
            pass
    with filler.open("r+b") as handle:
        handle.truncate(max(0, filler.stat().st_size - leave))
    return filler


def attempt(recipe: Path, runs: Path, stage: str) -> str:
    """Run a stage; what it refused with, or "done"."""
    try:
        runner.run(load_recipe(recipe), runs, stage)
    except StageError as error:
        return str(error)
    return "done"


def main(recipe: Path, runs: Path) -> None:
    """Every stage, full from the beginning, then with room; cpt also full in the middle."""
    for stage in ("sources", "corpus", "instruct", "cpt", "sft", "evaluate", "publish"):
        (runs / stage).mkdir(exist_ok=True)
        filler = fill(runs, ROOM)
        full = attempt(recipe, runs, stage)
        filler.unlink()
        middle = ""
        if stage == "cpt":
            watcher = threading.Thread(target=fill_after_first, args=(runs,))
            watcher.start()
            middle = attempt(recipe, runs, stage)
            watcher.join()
            kept = [path.name for path in runs.glob("cpt/*.partial/checkpoints/step-*")]
            middle = f"{len(kept)} checkpoints kept; {middle}"
            filler.unlink()
        print(json.dumps({"stage": stage, "full": full, "middle": middle, "then": attempt(recipe, runs, stage)}))


def fill_after_first(runs: Path) -> None:
    """Fill the disk as soon as a checkpoint is there."""
    while not list(runs.glob("cpt/*.partial/checkpoints/step-*")):
        time.sleep(0.001)
    fill(runs, 0)


if __name__ == "__main__":
    loop.TRIES, loop.WAIT_SECONDS = 2, 1
    os.environ["LLIMBA_CACHE"] = str(Path(sys.argv[2]).parent / "cache")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
