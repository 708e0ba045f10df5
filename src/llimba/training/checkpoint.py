"""Checkpoints that are whole or absent: safetensors and JSON, a digest manifest written last, then a rename.

A checkpoint is valid if and only if every file that its manifest names is there with the right digest. The newest
valid one is used; what was skipped is said. No pickle anywhere. Why not accelerate's or transformers' checkpoints: both
write straight into the final folder, take the newest unchecked, and go on silently without an optimizer file.
"""

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from llimba.files import read_json, sha256, sync_folder, write_json

logger = logging.getLogger(__name__)

MANIFEST = "checkpoint.json"


def save(
    folder: Path, step: int, tensors: dict[str, dict[str, torch.Tensor]], state: dict[str, Any], keep: int = 2
) -> Path:
    """Write `<folder>/step-<step>/`: a safetensors file per name in `tensors`, `state` as JSON; keep the newest."""
    target, partial = folder / f"step-{step:07d}", folder / f".tmp-{step}-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for name, group in tensors.items():
            path = partial / f"{name}.safetensors"
            save_file({key: value.detach().cpu().contiguous() for key, value in group.items()}, path)
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
        write_json(partial / "state.json", state)
        files = {path.name: sha256(path) for path in sorted(partial.iterdir())}
        write_json(partial / MANIFEST, {"step": step, "files": files})
        sync_folder(partial)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        sync_folder(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for old in _folders(folder)[:-keep]:
        shutil.rmtree(old)
    return target


def newest_valid(folder: Path) -> Path | None:
    """The newest checkpoint whose every file has the digest in its manifest; skipped ones are logged."""
    for candidate in reversed(_folders(folder)):
        if (fault := _fault(candidate)) is None:
            return candidate
        logger.warning("checkpoint %s is skipped: %s", candidate.name, fault)
    return None


def load(checkpoint: Path) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, Any]]:
    """Tensors by file name, and the state."""
    tensors = {path.stem: load_file(path) for path in sorted(checkpoint.glob("*.safetensors"))}
    return tensors, read_json(checkpoint / "state.json")


def optimizer_tensors(optimizer: torch.optim.Optimizer, names: dict[int, str]) -> dict[str, torch.Tensor]:
    """An optimizer's state as named tensors, "parameter::key"; `names` maps id(parameter) to its name.

    torchao's 8-bit moments are a tensor subclass: their parts are saved as "parameter::key::part".
    """
    flat: dict[str, torch.Tensor] = {}
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            place = f"{names[id(parameter)]}::{key}"
            if hasattr(value, "__tensor_flatten__"):
                flat |= {f"{place}::{part}": getattr(value, part) for part in value.__tensor_flatten__()[0]}
            else:
                flat[place] = value if torch.is_tensor(value) else torch.tensor(value)
    return flat


def restore_optimizer(optimizer: torch.optim.Optimizer, names: dict[int, str], flat: dict[str, torch.Tensor]) -> None:
    """Undo `optimizer_tensors`. Raises KeyError where a parameter that trains has no saved state."""
    by_name: dict[str, dict[str, Any]] = {}
    for place, value in flat.items():
        name, key, *part = place.split("::")
        state = by_name.setdefault(name, {})
        if part:
            state.setdefault(key, {})[part[0]] = value
        else:
            state[key] = value
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            saved = by_name[names[id(parameter)]]
            optimizer.state[parameter] = {key: _restored(value, parameter) for key, value in saved.items()}


def _restored(value: Any, parameter: torch.Tensor) -> Any:
    """One entry of an optimizer's state on the parameter's device; step counters stay where they were saved."""
    if isinstance(value, dict):
        from torchao.optim.subclass_8bit import OptimState8bit

        parts = {name: part.to(parameter.device) for name, part in value.items()}
        return OptimState8bit(**parts, signed=bool((parts["qmap"] < 0).any()), dtype=parameter.dtype)
    return value.to(parameter.device) if value.ndim else value


def rng_state() -> dict[str, torch.Tensor]:
    """torch's generators, CPU and every GPU; nothing here draws from Python's or numpy's."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state |= {f"cuda{i}": value for i, value in enumerate(torch.cuda.get_rng_state_all())}
    return state


def restore_rng(state: dict[str, torch.Tensor]) -> None:
    """Undo `rng_state`."""
    torch.set_rng_state(state["cpu"])
    devices = sorted(key for key in state if key.startswith("cuda"))
    if devices and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([state[key] for key in devices])


def _folders(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*")) if folder.exists() else []


def _fault(checkpoint: Path) -> str | None:
    try:
        files = json.loads((checkpoint / MANIFEST).read_text())["files"]
    except (OSError, ValueError, KeyError):
        return "it has no readable manifest, so it was never finished"
    for name, digest in files.items():
        path = checkpoint / name
        if not path.exists():
            return f"{name} is missing"
        if sha256(path) != digest:
            return f"{name} is not what was written (wrong digest)"
    return None
