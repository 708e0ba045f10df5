"""`make soak`: runs killed at random moments, again and again, must end in the same bytes as one left alone.

    python -m tests.soak [--kills 30] [--recipe recipes/demo.yaml] [--seed 1] [--methods full] [--threads 2]
    python -m tests.soak --kills 3 --methods full,lora,rslora,dora,dpo,orpo
    python -m tests.soak --tiny --kills 100

The base model is the recipe's; the text is the tests' own, so that a run takes a minute. Rounds of corpus, instruct,
cpt and sft, a checkpoint after every step, are killed until there were as many kills as asked for; every round is
compared. Every method has so many kills; those after the first start from the first one's CPT. With `--tiny` the model
is the tests' random one, and a round is every stage, from the sources to what is published.
"""

import argparse
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from llimba.files import read_json, write_jsonl
from llimba.models.base_model import base_folder
from llimba.pipeline.runner import plan
from llimba.recipe.file import load_recipe
from tests import kills
from tests.fakes import SENTENCES, recipe, recipe_content, tiny_model, tiny_tokenizer, write_text

STAGES = ("corpus", "instruct", "cpt", "sft")


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
    turns = zip(SENTENCES["it"][:6], SENTENCES["sc"][:6], SENTENCES["es"][:6], strict=True)
    write_jsonl(folder / "answers.jsonl", ({"prompt": i, "chosen": s, "rejected": e} for i, s, e in turns))
    answers = {"kind": "local", "yields": "conversations", "path": str(folder / "answers.jsonl"), "license": "CC0-1.0"}
    made = recipe(
        folder,
        base_model={**content["base_model"], "folder": str(base)},
        sources={**content["sources"], "answers": answers},
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
    parser.add_argument("--methods", default="full")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tiny", action="store_true")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.tiny:
            tiny_model(attention_dropout=0.1).save_pretrained(folder / "base")
            tiny_tokenizer().save_pretrained(folder / "base")
            path = prepare(folder, folder / "base", "full")
            every = [step.stage.name for step in plan(load_recipe(path), folder / "runs")]
            soak(folder, path, every, given.kills, chance, given.threads)
            return
        base = base_folder(load_recipe(given.recipe).base_model)
        for method in given.methods.split(","):
            again = STAGES if not (folder / "runs").exists() else STAGES[-1:]
            soak(folder, prepare(folder, base, method), again, given.kills, chance, given.threads)


def soak(
    folder: Path, path: Path, again: Sequence[str], kills_wanted: int, chance: random.Random, threads: int
) -> None:
    """Rounds of one recipe, each the stages in `again` made anew, until there were `kills_wanted` kills."""
    method, runs = load_recipe(path).sft.method, folder / "runs"
    started, killed, rounds = time.monotonic(), 0, 0

    def forget() -> None:
        for stage in again:
            shutil.rmtree(runs / stage, ignore_errors=True)

    forget()
    finished, events = kills.run(path, runs, again[-1], threads=threads)
    assert finished
    expected = kills.bytes_left(runs, again)
    print(
        f"{method}, left alone: {events} events, {len(expected)} files, {time.monotonic() - started:.0f} s", flush=True
    )
    while killed < kills_wanted:
        forget()
        told: list[str] = []
        killed += kills.run_with_kills(
            path, runs, again[-1], kills_wanted - killed, events, chance, told.append, threads
        )
        rounds += 1
        found = kills.bytes_left(runs, again)
        different = sorted(key for key in expected | found if expected.get(key) != found.get(key))
        print(f"{method}, round {rounds}: {'; '.join(told)}: {different or 'the same bytes'}", flush=True)
        if different:
            raise SystemExit(1)
    proof = read_json(next((runs / "sft").glob("*/manifest.json")))["facts"].get("merge_proof")
    seconds = time.monotonic() - started
    print(
        f"{method}: {killed} kills in {rounds} rounds, {len(expected)} files the same bytes every time, {seconds:.0f} s"
        + (f"; merge proof {proof}" if proof else ""),
        flush=True,
    )


if __name__ == "__main__":
    main()
