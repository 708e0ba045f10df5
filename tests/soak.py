"""`make soak`: a real model, killed thirty times at random moments, must end in the same bytes as one left alone.

    python -m tests.soak [--kills 30] [--recipe recipes/demo.yaml] [--seed 1] [--method full]

The base model is the recipe's; the text is the tests' own, so that a run takes a minute. Rounds of cpt and sft, a
checkpoint after every step, are killed until there were as many kills as asked for; every round is compared.
"""

import argparse
import random
import shutil
import tempfile
import time
from pathlib import Path

from llimba.base_model import base_folder
from llimba.recipe_file import load_recipe
from tests import kills
from tests.fakes import recipe, recipe_content, write_text

STAGES = ("corpus", "instruct", "cpt", "sft")
THREADS = 2


def prepare(folder: Path, base: Path, method: str) -> Path:
    """A recipe of a dozen steps over the tests' sentences, on the base model at `base`."""
    write_text(folder)
    content = recipe_content(folder)
    training = {
        "save_minutes": 1e-6,
        "precision": "auto",
        "learning_rate": 1e-4,
        "eval_max_bytes": 300,
        "num_samples": 0,
    }
    dropout = {"lora_dropout": 0.1} if method != "full" else {}
    made = recipe(
        folder,
        base_model={**content["base_model"], "folder": str(base)},
        cpt={**content["cpt"], **training, "num_train_epochs": 3},
        sft={**content["sft"], **training, "num_train_epochs": 2, "method": method, **dropout},
    )
    return Path(made.path)


def main() -> None:
    """Kill, resume, compare; prints every kill and the outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/demo.yaml"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--method", default="full")
    arguments = parser.parse_args()
    base = base_folder(load_recipe(arguments.recipe).base_model)
    started, killed, rounds = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = prepare(folder, base, arguments.method)
        finished, events = kills.run(path, folder / "runs", "sft", threads=THREADS)
        assert finished
        expected = kills.bytes_left(folder / "runs", STAGES)
        print(f"left alone: {events} events, {len(expected)} files, {time.monotonic() - started:.0f} s", flush=True)
        chance = random.Random(arguments.seed)
        while killed < arguments.kills:
            shutil.rmtree(folder / "runs")
            told: list[str] = []
            killed += kills.run_with_kills(
                path, folder / "runs", "sft", arguments.kills - killed, events, chance, told.append, THREADS
            )
            rounds += 1
            found = kills.bytes_left(folder / "runs", STAGES)
            different = sorted(key for key in expected | found if expected.get(key) != found.get(key))
            print(f"round {rounds}: {'; '.join(told)}: {different or 'the same bytes'}", flush=True)
            if different:
                raise SystemExit(1)
    seconds = time.monotonic() - started
    print(f"{killed} kills in {rounds} rounds, {len(expected)} files the same bytes every time, {seconds:.0f} s")


if __name__ == "__main__":
    main()
