"""The fault matrix: whatever happened to the newest checkpoint, the run ends in the same bits or says why it cannot.

The rows are those that were injected into transformers' Trainer, where half of them went on silently to other weights.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from llimba.errors import Interrupted, StageError
from llimba.training import loop
from llimba.training.model import PackedModel
from llimba.training.objectives import LanguageModelling
from tests.fakes import save_tiny_model
from tests.training.test_loop import metrics_of, opened, weights

FILES = ("weights.safetensors", "optimizer.safetensors", "state.json", "checkpoint.json")
STOP = 6  # of ten steps, in the second epoch


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("faults") / "base")


@pytest.fixture(scope="module")
def stopped_once(base: Path) -> tuple[Path, torch.Tensor]:
    """A run stopped after six steps with the checkpoints of steps 5 and 6, and the weights that it must end with."""
    expected = train(base, base.parent / "whole")
    with asked_to_stop_in_step(STOP), pytest.raises(Interrupted):
        train(base, base.parent / "part", save_minutes=1e-6)
    assert sorted(path.name for path in checkpoints(base.parent / "part")) == ["step-0000005", "step-0000006"]
    return base.parent / "part", expected


@pytest.fixture
def stopped(stopped_once: tuple[Path, torch.Tensor], tmp_path: Path) -> tuple[Path, torch.Tensor]:
    """A copy of that run's folder to damage."""
    part, expected = stopped_once
    return Path(shutil.copytree(part, tmp_path / "part")), expected


@contextmanager
def asked_to_stop_in_step(step: int) -> Iterator[None]:
    """SIGTERM between two micro-batches of this step: the step must be finished before anything is saved."""
    forward, seen = PackedModel.forward, 0
    share, steps = loop.packing.share, 0

    def counted_share(*arguments: Any) -> Any:
        nonlocal steps, seen
        steps, seen = steps + 1, 0
        return share(*arguments)

    def signalled(self: Any, row: Any, **keywords: Any) -> torch.Tensor:
        nonlocal seen
        seen += 1
        if steps == step and seen == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return forward(self, row, **keywords)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop.packing, "share", counted_share)
        patched.setattr(PackedModel, "forward", signalled)
        yield


def checkpoints(out: Path) -> list[Path]:
    return list((out / "checkpoints").glob("step-*"))


def train(base: Path, out: Path, **changes: Any) -> torch.Tensor:
    model, settings, examples = opened(base, **changes)
    loop.train(model, LanguageModelling(examples, settings), settings, out, seed=1, title="t")
    return weights(model)


def damage(path: Path, fault: str) -> None:
    data = bytearray(path.read_bytes())
    if fault == "missing":
        path.unlink()
    elif fault == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif fault == "empty":
        path.write_bytes(b"")
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


def test_a_request_in_the_middle_of_a_step_is_heard_at_its_end(base: Path, stopped: tuple[Path, torch.Tensor]) -> None:
    part, expected = stopped
    assert metrics_of(part)[-1]["step"] == STOP
    assert metrics_of(part)[-1]["rows"] >= 2  # there was a middle
    assert torch.equal(train(base, part), expected)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("fault", ["missing", "truncated", "empty", "flipped"])
def test_a_damaged_newest_checkpoint_changes_nothing(
    base: Path, stopped: tuple[Path, torch.Tensor], file: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    part, expected = stopped
    damage(part / "checkpoints" / "step-0000006" / file, fault)
    with caplog.at_level("INFO"):
        assert torch.equal(train(base, part), expected)
    assert "checkpoint step-0000006 is skipped" in caplog.text
    assert "continues from step-0000005" in caplog.text
    assert [row["step"] for row in metrics_of(part)] == list(range(1, 11))


@pytest.mark.parametrize("place", range(len(FILES)))
def test_a_part_damaged_in_both_is_refused(base: Path, stopped: tuple[Path, torch.Tensor], place: int) -> None:
    part, _ = stopped
    for shift, path in enumerate(sorted(checkpoints(part))):
        damage(path / FILES[(place + shift) % len(FILES)], "flipped")
    with pytest.raises(StageError, match="no checkpoint under .* is whole.*Restore one from a backup"):
        train(base, part)
    assert len(checkpoints(part)) == 2  # nothing was thrown away


@pytest.mark.parametrize("leftover", ["empty newer folder", "half newer folder", "killed save"])
def test_what_a_killed_save_leaves_changes_nothing(
    base: Path, stopped: tuple[Path, torch.Tensor], leftover: str
) -> None:
    part, expected = stopped
    folder = part / "checkpoints" / (".tmp-7-123" if leftover == "killed save" else "step-0000007")
    folder.mkdir()
    if leftover != "empty newer folder":
        shutil.copy(part / "checkpoints" / "step-0000006" / "weights.safetensors", folder)
    assert torch.equal(train(base, part), expected)


def test_a_full_disk_costs_a_checkpoint_and_not_the_run(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = train(base, tmp_path / "whole")
    save_file, calls = loop.Checkpoints.save, []

    def full_now_and_then(self: Any, step: int, *arguments: Any, **more: Any) -> None:
        calls.append(step)
        if step in (3, 4):
            raise OSError(28, os.strerror(28))
        save_file(self, step, *arguments, **more)

    monkeypatch.setattr(loop.Checkpoints, "save", full_now_and_then)
    assert torch.equal(train(base, tmp_path / "part", save_minutes=1e-6), expected)
    assert "step 3 could not be saved" in caplog.text
    assert "the checkpoint before it is kept" in caplog.text
