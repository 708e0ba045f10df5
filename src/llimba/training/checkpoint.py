"""Checkpoints that are whole or absent: safetensors and JSON, a digest manifest written last, then a rename.

A checkpoint is valid if and only if every file that its manifest names is there with the right digest. The newest
valid one is used; what was skipped is said; where there are checkpoints but none is valid, nothing is started over
silently. No pickle anywhere, and no random state: every step seeds itself. Why not accelerate's or transformers'
checkpoints: both write straight into the final folder, take the newest unchecked, and go on silently without an
optimizer file.
"""

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.distributed.tensor import DTensor, distribute_tensor

from llimba.errors import DiskRefused, StageError
from llimba.files import (
    bytes_under,
    disk_errors,
    free_bytes,
    into_place,
    make_folder,
    read_json,
    sha256,
    write_json,
)
from llimba.manifest import versions

logger = logging.getLogger(__name__)

MANIFEST = "checkpoint.json"
FORMAT = 2  # raised when the meaning of the files changes
KEEP = 2
PARTS = ("optimizer.safetensors", "state.json", "weights.safetensors")


class Checkpoints:
    """The checkpoints of one run: trained weights, optimizer and state, written by one process, read by all."""

    def __init__(self, folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, identity: str) -> None:
        """`identity` names what is trained on (documents, order, schedule): another run's checkpoint is refused."""
        self._folder, self._optimizer, self._identity = folder, optimizer, identity
        # taken now: FSDP2 leaves gathered stand-ins in the model after a forward pass that no backward pass follows
        self._parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._names = {id(parameter): name for name, parameter in self._parameters.items()}
        plain = isinstance(getattr(optimizer, "optimizer", optimizer), torch.optim.AdamW)
        if not plain and any(isinstance(parameter, DTensor) for parameter in self._parameters.values()):
            raise StageError("8-bit moments cannot be saved while FSDP shards them. Set optimizer: adamw, or use DDP.")

    def save(self, step: int, state: dict[str, Any], *, write: bool) -> None:
        """Save after `step` steps. All processes call it, as sharded tensors are gathered; only one has `write` set."""
        tensors: dict[str, dict[str, torch.Tensor]] = {
            "weights": {name: parameter.data for name, parameter in self._parameters.items()},
            "optimizer": optimizer_tensors(self._optimizer, self._names),
        }
        whole = {file: {name: _whole(value) for name, value in group.items()} for file, group in tensors.items()}
        if write:
            save(self._folder, step, whole, {**state, "step": step, "identity": self._identity, "versions": versions()})

    def resume(self) -> dict[str, Any] | None:
        """Restore the newest valid checkpoint in place; returns its state, or None where there never was one.

        Raises `StageError` where there are checkpoints and none can be used.
        """
        found = newest_valid(self._folder)
        if found is None:
            if _folders(self._folder):
                raise StageError(
                    f"no checkpoint under {self._folder} is whole (see above), and starting over silently would throw "
                    "away what was trained. Restore one from a backup, or delete that folder to start over."
                )
            return None
        tensors, state = load(found)
        if state["identity"] != self._identity:
            raise StageError(
                f"{found} was written by a run over other documents or steps (another version of llimba or of the "
                f"tokenizer?), so going on would train neither run. Delete {self._folder} to start over."
            )
        with torch.no_grad():
            for name, value in tensors["weights"].items():
                self._parameters[name].copy_(_like(value, self._parameters[name]))
        restore_optimizer(self._optimizer, self._names, tensors["optimizer"])
        logger.info("continues from %s", found.name)
        written, now = state.get("versions", {}), versions()
        if others := [f"{name} {of} (now {now.get(name)})" for name, of in written.items() if now.get(name) != of]:
            logger.warning(
                "%s was written with %s: the training continues from it, and its last bits may differ from those of a "
                "run by one version", found.name, ", ".join(others),
            )  # fmt: skip
        return state

    def check_disk(self, needed: float) -> None:
        """Raise `DiskRefused` where the disk cannot hold `needed` bytes, counting what checkpoints already take."""
        make_folder(self._folder)
        free = free_bytes(self._folder)
        if free + bytes_under(self._folder) < needed:
            raise DiskRefused(
                f"{self._folder} has {free / 2**20:,.0f} MiB free, and training needs {needed / 2**20:,.0f} MiB for "
                "its checkpoints. Free space, or put the runs on another disk with --runs."
            )


def save(
    folder: Path, step: int, tensors: dict[str, dict[str, torch.Tensor]], state: dict[str, Any], keep: int = KEEP
) -> Path:
    """Write `<folder>/step-<step>/`: a safetensors file per name in `tensors`, `state` as JSON; keep the newest."""
    target, partial = folder / f"step-{step:07d}", folder / f".tmp-{step}-{os.getpid()}"
    for leftover in folder.glob(".tmp-*"):  # of a run that was killed while it saved
        shutil.rmtree(leftover)
    make_folder(folder)
    partial.mkdir()
    try:
        for name, group in tensors.items():
            path = partial / f"{name}.safetensors"
            with disk_errors():
                save_file({key: value.detach().cpu().contiguous() for key, value in group.items()}, path)
        write_json(partial / "state.json", state)
        files = {path.name: sha256(path) for path in sorted(partial.iterdir())}
        write_json(partial / MANIFEST, {"format": FORMAT, "step": step, "files": files})
        shutil.rmtree(target, ignore_errors=True)
        into_place(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for old in _folders(folder)[:-keep]:
        (old / MANIFEST).unlink(missing_ok=True)  # first, so that a half-removed one is never taken for whole
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
            if hasattr(value, "__tensor_flatten__") and not isinstance(value, DTensor):
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


def whole_state(model: nn.Module) -> dict[str, torch.Tensor] | None:
    """A sharded model's state, gathered from all processes (every one must ask); None for a model that is whole."""
    state = model.state_dict()
    if not any(isinstance(value, DTensor) for value in state.values()):
        return None
    tied = dict(model.named_parameters(remove_duplicate=False)).keys() - dict(model.named_parameters()).keys()
    return {name: _whole(value).cpu() for name, value in state.items() if name not in tied}


def _whole(value: torch.Tensor) -> torch.Tensor:
    """A sharded tensor gathered from all processes (every one must ask), any other as it is."""
    gathered: torch.Tensor = value.full_tensor() if isinstance(value, DTensor) else value
    return gathered


def _like(value: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """A whole tensor where and how `parameter` lies: on its device, sharded if it is."""
    if isinstance(parameter, DTensor):
        return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)
    return value.to(parameter.device)


def _restored(value: Any, parameter: torch.Tensor) -> Any:
    """One entry of an optimizer's state on the parameter's device; step counters stay where they were saved."""
    if isinstance(value, dict):
        from torchao.optim.subclass_8bit import OptimState8bit

        parts = {name: part.to(parameter.device) for name, part in value.items()}
        return OptimState8bit(**parts, signed=bool((parts["qmap"] < 0).any()), dtype=parameter.dtype)
    return _like(value, parameter) if value.ndim else value


def _folders(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*")) if folder.exists() else []


def _fault(checkpoint: Path) -> str | None:
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text())
        written, files = manifest["format"], manifest["files"]
    except (OSError, ValueError, KeyError):
        return "it has no readable manifest, so it was never finished"
    if written != FORMAT:
        return f"it has format {written}, and this llimba reads {FORMAT}"
    if missing := set(PARTS) - set(files):
        return f"its manifest does not name {', '.join(sorted(missing))}"
    for name, digest in files.items():
        path = checkpoint / name
        if not path.exists():
            return f"{name} is missing"
        if sha256(path) != digest:
            return f"{name} is not what was written (wrong digest)"
    return None
