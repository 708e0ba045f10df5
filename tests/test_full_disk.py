"""A disk that is really full, at every stage: a sentence, nothing lost, and an end once there is room."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.fakes import recipe, recipe_content, save_tiny_model, write_text

NAMESPACE = ["unshare", "--map-root-user", "--mount", "sh", "-c"]


def mounts() -> bool:
    """Whether this process may mount a tmpfs in a namespace of its own."""
    try:
        return (
            subprocess.run([*NAMESPACE, "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False).returncode == 0
        )
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not mounts(), reason="needs a mount namespace (unshare) for a small tmpfs")
def test_a_full_disk_at_every_stage(tmp_path: Path) -> None:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    content, runs = recipe_content(tmp_path), tmp_path / "runs"
    runs.mkdir()
    quick = {"save_minutes": 1e-6, "eval_steps": 10**6}
    small = {"directions": ["it-sc"], "max_sentences": 1, "max_new_tokens": 2, "precision": "fp32"}
    cpt = content["cpt"] | quick | {"num_train_epochs": 30}
    path = recipe(tmp_path, cpt=cpt, sft=content["sft"] | {"max_steps": 2}, evaluate=small).path
    command = f"mount -t tmpfs -o size=12m tmpfs {runs} && exec {sys.executable} -m tests.full_disk {path} {runs}"
    done = subprocess.run([*NAMESPACE, command], capture_output=True, text=True, cwd=ROOT, check=False)
    rows = {row["stage"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert list(rows) == ["sources", "corpus", "instruct", "cpt", "sft", "evaluate", "publish"], done.stderr[-3000:]
    for stage, row in rows.items():
        assert stage in row["full"], row["full"]
        assert "free space" in row["full"].lower(), row["full"]
        assert row["then"] == "done", row["then"]
    assert rows["cpt"]["middle"].startswith(("1 checkpoints kept; cpt: the disk", "2 checkpoints kept; cpt: the disk"))
    assert done.stderr.count("could not be saved") > 10, "training continued meanwhile"
    assert "the training is finished and cannot be written" in done.stderr
