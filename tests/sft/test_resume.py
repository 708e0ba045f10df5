"""Every method, killed -9 on the way, goes on to the same bits as if nothing had happened."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from llimba.files import read_jsonl, sha256
from tests.sft.killed_runs import SAVES, train, write_inputs

METHODS = ["full", "lora", "rslora", "dora"] + (["dpo", "orpo"] if importlib.util.find_spec("trl") else [])


@pytest.fixture(autouse=True)
def short_proof(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("llimba.sft.merge.NEW_TOKENS", 2)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_killed_and_resumed_is_bit_identical(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    command = [sys.executable, "-m", "tests.sft.killed_runs", str(tmp_path), *METHODS]
    root = Path(__file__).parents[2]
    died = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True, timeout=200)
    assert died.stdout.split("\n")[:-1] == [f"{method} 9" for method in METHODS], died.stderr
    for method in METHODS:
        whole, killed = tmp_path / f"{method}.whole", tmp_path / f"{method}.killed"
        assert not (killed / "model").exists()
        assert train(tmp_path, method, whole)["resumed_at_step"] == 0
        assert train(tmp_path, method, killed)["resumed_at_step"] == SAVES
        files = [Path("model/model.safetensors")]
        files += [] if method == "full" else [Path("adapter/adapter_model.safetensors")]
        for file in files:
            assert sha256(whole / file) == sha256(killed / file), f"{method}: {file}"
        losses = [[row["loss"] for row in read_jsonl(folder / "metrics.jsonl")] for folder in (whole, killed)]
        assert losses[0] == losses[1]
        assert len(losses[0]) == 5
