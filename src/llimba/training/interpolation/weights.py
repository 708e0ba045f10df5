"""start + weight x (trained - start), tensor by tensor from safetensors: memory holds two tensors, never two models.

At 0 and at 1 the weight files are those of the one and of the other, byte for byte; in between every tensor is computed
in fp32 and kept in the trained model's dtype, over a copy of its file. Why not mergekit: it brings its own model
loading and a dependency tree for what is one `torch.lerp`.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from llimba.errors import StageError
from llimba.models.loading import never_loaded

INDEX = "model.safetensors.index.json"


class Between:
    """Two folders of one architecture, compared name by name; raises `StageError` where they do not belong together."""

    def __init__(self, start: Path, trained: Path) -> None:
        """`start` and `trained` are transformers folders with safetensors."""
        self.start, self.trained = start, trained
        self._before, self._after = _files(start), _files(trained)
        self._alias = _aliases(trained)
        for name in self._after:
            if self._source(name) is None:
                raise StageError(f"{trained} has {name}, which {start} has not: the two are not of one architecture.")
        lost = self._before.keys() - self._after.keys()
        for name in lost - never_loaded(start, lost):
            twin = next((other for other in self._alias.get(name, ()) if other in self._before), None)
            if twin is None:
                raise StageError(f"{start} has {name}, which {trained} has not: the two are not of one architecture.")
            if not torch.equal(_tensor(self._before[name], name), _tensor(self._before[twin], twin)):
                raise StageError(
                    f"{start} has an output embedding of its own ({name}), and {trained} ties it to {twin}: nothing "
                    "lies between them. Name the folder that the training really started from."
                )

    def tensors(self, weight: float) -> Iterator[tuple[str, torch.Tensor]]:
        """Every tensor of the trained folder, `weight` of the way from the start, in the trained one's dtype."""
        for name, path in self._after.items():
            source = self._source(name)
            assert source is not None
            before, after = _tensor(self._before[source], source), _tensor(path, name)
            if before.shape != after.shape:
                raise StageError(
                    f"{name} is {tuple(before.shape)} in {self.start} and {tuple(after.shape)} in {self.trained}: the "
                    "vocabulary or the architecture was changed, so nothing lies between them."
                )
            yield name, blend(before, after, weight)

    def write(self, weight: float, out: Path) -> None:
        """A transformers folder at `weight`; all but the tensors is the trained one's. `out` must not exist."""
        shutil.copytree(self.trained, out)
        if weight == 1:
            return
        if weight == 0:
            for path in [*out.glob("*.safetensors"), out / INDEX]:
                path.unlink(missing_ok=True)
            for path in [*self.start.glob("*.safetensors"), self.start / INDEX]:
                if path.exists():
                    shutil.copyfile(path, out / path.name)
            return
        places = {path.name: _places(path) for path in out.glob("*.safetensors")}
        for name, tensor in self.tensors(weight):
            file = self._after[name].name
            with (out / file).open("r+b") as handle:
                handle.seek(places[file][name])
                handle.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())

    def load_into(self, model: Any, weight: float) -> None:
        """The same into a loaded model, in place; tied tensors are one and are written once."""
        state = model.state_dict()
        with torch.no_grad():
            for name, tensor in self.tensors(weight):
                state[name].copy_(tensor)

    def _source(self, name: str) -> str | None:
        """The start's name for a tensor: its own, or that of one it is tied to."""
        return next((n for n in (name, *self._alias.get(name, ())) if n in self._before), None)


def blend(before: torch.Tensor, after: torch.Tensor, weight: float) -> torch.Tensor:
    """`weight` of the way from `before` to `after`, in the dtype of `after`; exactly the ends at 0 and 1."""
    if weight == 1 or not after.is_floating_point():
        return after
    if weight == 0:
        return before.to(after.dtype)
    return torch.lerp(before.float(), after.float(), weight).to(after.dtype)


def _files(folder: Path) -> dict[str, Path]:
    """Which file holds which tensor."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            found |= dict.fromkeys(file.keys(), path)
    if not found:
        raise StageError(f"{folder} holds no safetensors, so it is no model folder that can be interpolated.")
    return found


def _tensor(path: Path, name: str) -> torch.Tensor:
    with safe_open(path, framework="pt") as file:
        tensor: torch.Tensor = file.get_tensor(name)
    return tensor


def _places(path: Path) -> dict[str, int]:
    """Where in a safetensors file each tensor's bytes begin: 8 bytes of header length, the header, the data."""
    with path.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        header = json.loads(handle.read(length))
    return {name: 8 + length + about["data_offsets"][0] for name, about in header.items() if name != "__metadata__"}


def _aliases(folder: Path) -> dict[str, list[str]]:
    """For every tensor that the model ties to another, the others' names."""
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        outline = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    names: dict[int, list[str]] = {}
    for name, parameter in outline.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return {name: [n for n in group if n != name] for group in names.values() if len(group) > 1 for name in group}
