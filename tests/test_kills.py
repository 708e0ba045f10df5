"""Killed at any moment, a run ends as if nothing had happened: the same bytes, finished stages not repeated.

`make soak` does the same thirty times on a real model.
"""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from llimba.files import write_jsonl
from llimba.pipeline.runner import plan
from tests import kills
from tests.fakes import SENTENCES, recipe, recipe_content, tiny_model, tiny_tokenizer, write_text

METHODS = ["full", "lora", "rslora", "dora", "dpo", "orpo"]
EVERY_STEP = {"save_minutes": 1e-6, "num_train_epochs": 2}


LEVERS = {  # what cpt can do besides, all at once
    "pairs": {"directions": ["it-sc", "sc-it"], "rows_per_document": 2},
    "phases": [{"share": 0.6, "mixture": {"sc": 0.6, "it": 0.4}}, {"share": 0.4, "mixture": {"pairs": 0.9, "it": 0.1}}],
    "lr_scheduler_type": "warmup_stable_decay",
    "min_lr_ratio": 0.1,
}


def small(folder: Path, cpt: dict[str, Any] | None = None, **sft: Any) -> Any:
    """A recipe with dropout, shuffling, packing, and a checkpoint after every step; `cpt` in place of its mixture."""
    if not (folder / "base").exists():
        write_text(folder)
        tiny_model(attention_dropout=0.1).save_pretrained(folder / "base")
        tiny_tokenizer().save_pretrained(folder / "base")
    content = recipe_content(folder)
    turns = zip(SENTENCES["it"][:6], SENTENCES["sc"][:6], SENTENCES["es"][:6], strict=True)
    write_jsonl(folder / "answers.jsonl", ({"prompt": i, "chosen": s, "rejected": e} for i, s, e in turns))
    answers = {"kind": "local", "yields": "conversations", "path": str(folder / "answers.jsonl"), "license": "CC0-1.0"}
    adapter = {"lora_r": 4, "lora_alpha": 4, "lora_dropout": 0.1} if sft.get("method", "full") != "full" else {}
    return recipe(
        folder,
        sources={**content["sources"], "answers": answers},
        cpt={**content["cpt"], **EVERY_STEP, **(cpt or {}), **({"mixture": {}} if cpt else {})},
        sft={**content["sft"], **EVERY_STEP, **adapter, **sft},
    )


@pytest.fixture(scope="module")
def after_cpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where everything up to cpt is done."""
    folder = tmp_path_factory.mktemp("kills")
    kills.run(small(folder).path, folder / "runs", "cpt")
    return folder


def killed_and_whole(folder: Path, until: str, stages: list[str], times: int, seed: int) -> None:
    """Compare what a run leaves that was killed `times` times with what an uninterrupted one leaves."""
    path, before = folder / "small.yaml", folder / "before"
    (folder / "runs").mkdir(exist_ok=True)
    shutil.copytree(folder / "runs", before)
    finished, events = kills.run(path, folder / "runs", until)
    assert finished
    (folder / "runs").rename(folder / "whole")
    before.rename(folder / "runs")
    told: list[str] = []
    done = kills.run_with_kills(path, folder / "runs", until, times, events, random.Random(seed), told.append)
    assert done >= 2, "too few kills to mean anything"
    whole, killed = kills.bytes_left(folder / "whole", stages), kills.bytes_left(folder / "runs", stages)
    assert len(whole) > 3
    assert killed == whole, told


def test_cpt_killed_anywhere_ends_in_the_same_bytes(tmp_path: Path) -> None:
    small(tmp_path)
    killed_and_whole(tmp_path, "cpt", ["sources", "corpus", "cpt"], times=5, seed=1)


def test_cpt_with_every_lever_killed_anywhere_ends_in_the_same_bytes(tmp_path: Path) -> None:
    small(tmp_path, LEVERS)
    killed_and_whole(tmp_path, "cpt", ["cpt"], times=5, seed=4)


@pytest.mark.parametrize("method", METHODS)
def test_sft_killed_anywhere_ends_in_the_same_bytes(after_cpt: Path, tmp_path: Path, method: str) -> None:
    shutil.copytree(after_cpt, tmp_path, dirs_exist_ok=True)
    small(tmp_path, method=method)
    killed_and_whole(tmp_path, "sft", ["sft"], times=3, seed=2)


def test_all_stages_killed_anywhere_end_in_the_same_bytes(tmp_path: Path) -> None:
    loaded = small(tmp_path)
    stages = [step.stage.name for step in plan(loaded, tmp_path / "none")]
    killed_and_whole(tmp_path, stages[-1], stages, times=6, seed=3)
    assert {step.state for step in plan(loaded, tmp_path / "runs")} == {"done"}
