"""Runs that die: `python -m tests.sft.killed_runs FOLDER METHOD...` starts sft with each method and kills it -9.

One process imports what takes seconds, and forks a child a method before any tensor exists.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.fakes import SENTENCES, recipe, recipe_content, save_tiny_model, write_held_out

SAVES = 2  # the child dies as soon as so many checkpoints are written


def settings(folder: Path, method: str) -> dict[str, Any]:
    """Five steps with dropout, a checkpoint after every one."""
    return {
        **recipe_content(folder)["sft"],
        "method": method, "lora_r": 4, "lora_dropout": 0.1, "documents_per_step": 2, "max_steps": 5,
        "save_minutes": 1e-9, "eval_max_bytes": 0, "num_samples": 0, "report_to": [],
    }  # fmt: skip


def write_inputs(folder: Path) -> dict[str, Path]:
    """What sft reads: a start, conversations with a rejected answer each, nothing held out."""
    from llimba.records import Conversation, write_records

    save_tiny_model(folder / "cpt" / "model")
    rows = (
        Conversation(
            id=f"c{i}", source="s", license="x", provenance="p",
            messages=[{"role": "user", "content": "Nara"}, {"role": "assistant", "content": SENTENCES["sc"][i]}],
            rejected=SENTENCES["it"][i],
        )
        for i in range(8)
    )  # fmt: skip
    write_records(folder / "instruct" / "conversations.jsonl", rows)
    write_held_out(folder / "corpus")
    return inputs(folder)


def inputs(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in ("corpus", "cpt", "instruct")}


def train(folder: Path, method: str, out: Path) -> dict[str, Any]:
    import torch

    from llimba.sft.stage import run

    torch.set_num_threads(1)  # sums in another number of threads are other sums
    return run(recipe(folder, sft=settings(folder, method)), inputs(folder), out)


def main(folder: Path, methods: list[str]) -> None:
    import peft  # noqa: F401
    import transformers  # noqa: F401

    from llimba.training import checkpoint

    for method in methods:
        child = os.fork()
        if child == 0:
            save, saved = checkpoint.save, []

            def save_and_die(*arguments: Any, save: Any = save, saved: Any = saved, **named: Any) -> Any:
                saved.append(save(*arguments, **named))
                if len(saved) == SAVES:
                    os.kill(os.getpid(), signal.SIGKILL)
                return saved[-1]

            checkpoint.save = save_and_die
            train(folder, method, folder / f"{method}.killed")
            os._exit(1)  # it should not have come so far
        _, status = os.waitpid(child, 0)
        print(method, os.WTERMSIG(status) if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
