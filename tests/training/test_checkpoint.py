"""A checkpoint is whole or it is not used."""

from pathlib import Path

import pytest
import torch

from llimba.training import checkpoint


def save(folder: Path, step: int, value: float = 1.0) -> Path:
    tensors = {"weights": {"w": torch.full((3,), value)}, "rng": {"cpu": torch.get_rng_state()}}
    return checkpoint.save(folder, step, tensors, {"step": step})


def test_round_trip_and_keep(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save(tmp_path, step, float(step))
    found = checkpoint.newest_valid(tmp_path)
    assert found is not None
    tensors, state = checkpoint.load(found)
    assert state == {"step": 3}
    assert tensors["weights"]["w"].tolist() == [3, 3, 3]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-0000002", "step-0000003"]


@pytest.mark.parametrize("file", ["weights.safetensors", "rng.safetensors", "state.json", "checkpoint.json"])
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
        data[-3] ^= 1
        path.write_bytes(data)
    found = checkpoint.newest_valid(tmp_path)
    if file == "checkpoint.json" and fault == "flipped":
        assert found is not None  # a flipped byte of white space or a digest digit: valid or skipped, never wrong
    else:
        assert found is not None
        assert found.name == "step-0000001"
        assert "step-0000002 is skipped" in caplog.text


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
