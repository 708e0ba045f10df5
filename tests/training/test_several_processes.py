"""Two processes train as one: same documents a step, same losses, same weights; checkpoints cross between them.

Tolerance: losses and gradient norms equal to the 6 and 5 digits that are recorded, weights to 1e-5 (sums in another
order). Measured here: losses and norms equal, weights to 1e-6.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from llimba.files import write_jsonl
from tests import ROOT
from tests.fakes import SENTENCES, recipe, recipe_content, save_tiny_model, write_text

PROGRAM = Path(__file__).with_name("two_processes.py")


def run(folder: Path, runs: str, processes: int, mode: str = "ddp", stop_in_step: int = 0) -> None:
    command = [
        str(PROGRAM),
        mode,
        str(stop_in_step),
        "run",
        str(folder / "small.yaml"),
        "--until",
        "sft",
        "--runs",
        str(folder / runs),
    ]
    if processes > 1:
        command = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}", *command]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, env=environment)
    if stop_in_step:
        assert "stopped by SIGTERM after step" in done.stderr, done.stderr[-3000:]
    else:
        assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe that one process has run to its end, saving after every step."""
    folder = tmp_path_factory.mktemp("several")
    write_text(folder)
    save_tiny_model(folder / "base")
    content = recipe_content(folder)
    training = {"save_minutes": 1e-6, "num_train_epochs": 2, "row_length": 128}
    recipe(folder, cpt={**content["cpt"], **training}, sft={**content["sft"], "num_train_epochs": 2})
    run(folder, "alone", 1)
    return folder


def rows(folder: Path, runs: str, stage: str) -> list[dict[str, float]]:
    (path,) = (folder / runs / stage).glob("*/metrics.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def assert_the_same(folder: Path, runs: str) -> None:
    for stage in ("cpt", "sft"):
        expected, found = rows(folder, "alone", stage), rows(folder, runs, stage)
        assert max(row["rows"] for row in found) > 1  # there was something to share
        for key in ("loss", "grad_norm", "tokens", "learning_rate"):
            assert [row[key] for row in found] == pytest.approx([row[key] for row in expected], abs=2e-5)
        (whole,) = (folder / "alone" / stage).glob("*/model/model.safetensors")
        (shared,) = (folder / runs / stage).glob("*/model/model.safetensors")
        left, right = load_file(whole), load_file(shared)
        assert left.keys() == right.keys()
        assert max(float((left[name] - right[name]).abs().max()) for name in left) < 1e-5


@pytest.mark.parametrize("mode", ["ddp", "fsdp"])
def test_two_processes_train_as_one(alone: Path, mode: str) -> None:
    run(alone, mode, 2, mode)
    assert_the_same(alone, mode)
    (manifest,) = (alone / mode / "cpt").glob("*/manifest.json")
    assert json.loads(manifest.read_text())["facts"]["processes"] == 2


def test_two_processes_prefer_as_one(tmp_path: Path) -> None:
    """DPO: pairs are shared out whole, the reference is the same in both."""
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    turns = zip(SENTENCES["it"][:6], SENTENCES["sc"][:6], SENTENCES["es"][:6], strict=True)
    write_jsonl(tmp_path / "answers.jsonl", ({"prompt": i, "chosen": s, "rejected": e} for i, s, e in turns))
    answers = {
        "kind": "local",
        "yields": "conversations",
        "path": str(tmp_path / "answers.jsonl"),
        "license": "CC0-1.0",
    }
    content = recipe_content(tmp_path)
    sft = {**content["sft"], "method": "dpo", "policy": "full", "row_length": 128, "documents_per_step": 3}
    recipe(tmp_path, sources={**content["sources"], "answers": answers}, cpt=None, sft=sft)
    for runs, processes in (("preferred", 1), ("preferred-by-two", 2)):
        run(tmp_path, runs, processes)
    expected, found = (rows(tmp_path, runs, "sft") for runs in ("preferred", "preferred-by-two"))
    assert {row["rows"] for row in found} == {3}  # one more than two share evenly
    for key in ("loss", "grad_norm", "rewards/accuracies", "rewards/margins"):
        assert [row[key] for row in found] == pytest.approx([row[key] for row in expected], abs=1e-4)
    assert expected[-1]["loss"] < expected[0]["loss"]


@pytest.mark.parametrize("mode", ["ddp", "fsdp"])
def test_a_checkpoint_crosses_from_two_processes_to_one_and_back(alone: Path, mode: str) -> None:
    runs = f"crossing-{mode}"
    run(alone, runs, 2, mode, stop_in_step=2)
    run(alone, runs, 1, stop_in_step=1)  # its first is the run's third
    run(alone, runs, 2, mode)
    assert_the_same(alone, runs)
    (manifest,) = (alone / runs / "cpt").glob("*/manifest.json")
    assert json.loads(manifest.read_text())["facts"]["resumed_at_step"] == 3
