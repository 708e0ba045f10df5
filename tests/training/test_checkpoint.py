"""A checkpoint is whole or it is not used."""

import errno
import json
import shutil
from pathlib import Path

import pytest
import torch

from llimba.errors import StageError
from llimba.training import checkpoint


def save(folder: Path, step: int, value: float = 1.0) -> Path:
    tensors = {"weights": {"w": torch.full((3,), value)}, "optimizer": {"w::exp_avg": torch.full((3,), -value)}}
    return checkpoint.save(folder, step, tensors, {"step": step})


def test_round_trip_and_keep(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save(tmp_path, step, float(step))
    found = checkpoint.newest_valid(tmp_path)
    assert found is not None
    tensors, state = checkpoint.load(found)
    assert state == {"step": 3}
    assert tensors["weights"]["w"].tolist() == [3, 3, 3]
    assert json.loads((found / "checkpoint.json").read_text())["step"] == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-0000002", "step-0000003"]


@pytest.mark.parametrize("file", ["weights.safetensors", "optimizer.safetensors", "state.json", "checkpoint.json"])
@pytest.mark.parametrize("fault", ["missing", "truncated", "flipped"])
def test_a_damaged_newest_falls_back_to_the_one_before(
    tmp_path: Path, file: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path, 1)
    path = save(tmp_path, 2) / file
    data = bytearray(path.read_bytes())
    if fault == "missing":
        path.unlink()
    elif fault == "truncated":
        path.write_bytes(data[: len(data) // 2])
    else:
        data[data.index(b'safetensors": "') + 20 if file == "checkpoint.json" else -3] ^= 1  # a digit of a digest
        path.write_bytes(data)
    found = checkpoint.newest_valid(tmp_path)
    assert found is not None
    assert found.name == "step-0000001"
    assert "step-0000002 is skipped" in caplog.text


def test_any_flipped_byte_of_a_manifest_skips_it_or_changes_nothing(tmp_path: Path) -> None:
    save(tmp_path, 1)
    path = save(tmp_path, 2) / "checkpoint.json"
    whole, used = path.read_bytes(), []
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1
        path.write_bytes(data)
        found = checkpoint.newest_valid(tmp_path)
        assert found is not None
        if found == path.parent:
            used.append(place)
            assert json.loads(data)["files"] == json.loads(whole)["files"]
            assert checkpoint.load(found)[1] == {"step": 2}
    assert 0 < len(used) < 0.2 * len(whole)  # the step's number and its name, which nothing is read from


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert checkpoint.newest_valid(tmp_path / "absent") is None


def test_optimizer_state_comes_back_exactly() -> None:
    def stepped() -> tuple[torch.nn.Linear, torch.optim.AdamW, dict[int, str]]:
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        return model, optimizer, {id(p): n for n, p in model.named_parameters()}

    model, optimizer, names = stepped()
    for _ in range(3):
        model(torch.ones(3)).sum().backward()
        optimizer.step()
    flat = checkpoint.optimizer_tensors(optimizer, names)
    fresh, other, fresh_names = stepped()
    fresh.load_state_dict(model.state_dict())
    checkpoint.restore_optimizer(other, fresh_names, {k: v.clone() for k, v in flat.items()})
    for m, o in ((model, optimizer), (fresh, other)):
        o.zero_grad()
        m(torch.ones(3)).sum().backward()
        o.step()
    assert torch.equal(model.weight, fresh.weight)
    del flat["weight::exp_avg"], flat["weight::exp_avg_sq"], flat["weight::step"]
    with pytest.raises(KeyError):
        checkpoint.restore_optimizer(other, fresh_names, flat)


def run_of(tmp_path: Path, identity: str = "these documents") -> tuple[torch.nn.Linear, checkpoint.Checkpoints]:
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.ones(4)).sum().backward()
    optimizer.step()
    return model, checkpoint.Checkpoints(tmp_path, model, optimizer, identity)


def test_a_run_comes_back_whole(tmp_path: Path) -> None:
    model, checkpoints = run_of(tmp_path)
    assert checkpoints.resume() is None
    checkpoints.save(7, {"rows": {"a": [1]}}, write=True)
    expected = model.weight.clone()
    with torch.no_grad():
        model.weight.zero_()
    state = checkpoints.resume()
    assert state is not None
    assert (state["step"], state["rows"]) == (7, {"a": [1]})
    assert torch.equal(model.weight, expected)


def test_only_what_trains_is_saved(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4))
    model[0].requires_grad_(False)
    optimizer = torch.optim.AdamW(model[1].parameters(), lr=0.1)
    model(torch.ones(4)).sum().backward()
    optimizer.step()
    checkpoints = checkpoint.Checkpoints(tmp_path, model, optimizer, "these documents")
    checkpoints.save(1, {}, write=True)
    found = checkpoint.newest_valid(tmp_path)
    assert found is not None
    assert sorted(checkpoint.load(found)[0]["weights"]) == ["1.bias", "1.weight"]
    with torch.no_grad():
        expected = model[0].weight.clone()
        model[1].weight.zero_()
    assert checkpoints.resume() is not None
    assert model[1].weight.any()
    assert torch.equal(model[0].weight, expected)


def test_only_the_writing_process_writes(tmp_path: Path) -> None:
    run_of(tmp_path)[1].save(1, {}, write=False)
    assert not list(tmp_path.iterdir())


def test_where_no_checkpoint_is_whole_nothing_is_started_over(tmp_path: Path) -> None:
    _, checkpoints = run_of(tmp_path)
    for step in (1, 2):
        checkpoints.save(step, {}, write=True)
    for path in tmp_path.rglob("weights.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StageError, match="no checkpoint under .* is whole.*delete that folder to start over"):
        checkpoints.resume()


def test_another_runs_checkpoint_is_refused(tmp_path: Path) -> None:
    run_of(tmp_path)[1].save(1, {}, write=True)
    with pytest.raises(StageError, match="over other documents or steps"):
        run_of(tmp_path, "other documents")[1].resume()


def test_a_checkpoint_of_another_format_is_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = save(tmp_path, 1)
    manifest = json.loads((path / "checkpoint.json").read_text())
    (path / "checkpoint.json").write_text(json.dumps({**manifest, "format": 1}))
    assert checkpoint.newest_valid(tmp_path) is None
    assert "format 1, and this llimba reads 2" in caplog.text


def test_what_a_killed_save_left_is_cleared_and_never_read(tmp_path: Path) -> None:
    save(tmp_path, 1)
    (tmp_path / ".tmp-2-99").mkdir()
    (tmp_path / ".tmp-2-99" / "weights.safetensors").write_bytes(b"half")
    found = checkpoint.newest_valid(tmp_path)
    assert found is not None
    assert found.name == "step-0000001"
    save(tmp_path, 2)
    assert not (tmp_path / ".tmp-2-99").exists()


def test_a_removal_that_was_killed_half_way_is_finished(tmp_path: Path) -> None:
    half = save(tmp_path, 1)
    (half / "checkpoint.json").unlink()  # as a kill between the manifest and the rest leaves it
    for step in (2, 3):
        save(tmp_path, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-0000002", "step-0000003"]


def test_a_full_disk_keeps_the_last_good_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 1)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000001"]
    assert checkpoint.newest_valid(tmp_path) == tmp_path / "step-0000001"


def test_eight_bit_moments_come_back_exactly(no_compiler: None) -> None:
    from llimba.recipe import CptSection
    from llimba.training.optimizer import build_optimizer
    from llimba.training.settings import resolve
    from tests.training.test_settings import SHAPE

    def stepped() -> tuple[torch.nn.Linear, torch.optim.Optimizer, dict[int, str]]:
        torch.manual_seed(0)
        model = torch.nn.Linear(128, 64).to(torch.bfloat16)
        settings = CptSection(optimizer="adamw_8bit", precision="bf16")
        optimizer = build_optimizer(settings, resolve(settings, SHAPE, None), model, torch.device("cpu"))
        return model, optimizer, {id(p): n for n, p in model.named_parameters()}

    model, optimizer, names = stepped()
    model(torch.ones(128, dtype=torch.bfloat16)).sum().backward()
    optimizer.step()
    flat = checkpoint.optimizer_tensors(optimizer, names)
    assert flat["weight::exp_avg::codes"].dtype == torch.uint8
    fresh, other, fresh_names = stepped()
    checkpoint.restore_optimizer(other, fresh_names, {k: v.clone() for k, v in flat.items()})
    again = checkpoint.optimizer_tensors(other, fresh_names)
    assert flat.keys() == again.keys()
    assert all(torch.equal(flat[key], again[key]) for key in flat)
    assert other.state[fresh.weight]["exp_avg"].signed
    assert not other.state[fresh.weight]["exp_avg_sq"].signed


def test_a_disk_too_small_is_said_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, checkpoints = run_of(tmp_path)
    checkpoints.check_disk(3 * 240)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=500))
    with pytest.raises(StageError, match=r"0 MiB free, and training needs .* for its checkpoints. Free space"):
        checkpoints.check_disk(3 * 240)
    checkpoints.save(1, {}, write=True)  # what is there already is counted: it makes room when it goes
    checkpoints.check_disk(3 * 240)
