"""The cards that llimba knows, and what this machine has: peak speed and memory."""

import os
import time
from typing import NamedTuple

import torch

from llimba.errors import RecipeError
from llimba.models.device import cpu_has_bf16

GIB = 2**30


class Card(NamedTuple):
    """Where it will run: bf16 peak with fp32 accumulation in FLOP/s, memory that a process gets, in bytes."""

    name: str
    peak: float
    memory: float
    gpu: bool = True


# Vendor data sheets, dense (half of the figure "with sparsity"); memory as the driver reports it.
CARDS = {
    "rtx3090": Card("RTX 3090", 71.2e12, 23.5 * GIB),
    "rtx4090": Card("RTX 4090", 165.2e12, 23.5 * GIB),
    "rtx5090": Card("RTX 5090", 209.5e12, 31.3 * GIB),
    "l4": Card("L4", 121e12, 22.0 * GIB),
    "a10g": Card("A10G", 70e12, 22.0 * GIB),
    "l40s": Card("L40S", 362e12, 44.4 * GIB),
    "a100": Card("A100", 312e12, 79.2 * GIB),
    "h100": Card("H100", 989.4e12, 79.1 * GIB),
    "h200": Card("H200", 989.4e12, 139.8 * GIB),
}


def find_card(name: str | None) -> Card:
    """The named card, or what this machine has; raises `RecipeError` for a name that is not in `CARDS`."""
    if name is not None:
        key = name.lower().replace(" ", "").replace("-", "")
        if key not in CARDS:
            raise RecipeError(f"--card {name}: not a card that llimba knows; the cards are {', '.join(CARDS)}.")
        return CARDS[key]
    if not torch.cuda.is_available():
        return Card("this machine's CPU", _cpu_peak(), _physical_memory(), gpu=False)
    properties = torch.cuda.get_device_properties(0)
    peak = known_peak(torch.device("cuda", 0)) or _gpu_peak()
    return Card(properties.name, peak, float(properties.total_memory))


def known_peak(device: torch.device) -> float | None:
    """The data sheet's bf16 peak of the card in use, in FLOP/s; None for a CPU or a card that is not in `CARDS`."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_properties(device).name.lower().replace(" ", "").replace("-", "")
    return next((card.peak for key, card in CARDS.items() if key in name), None)


def _physical_memory() -> float:
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _cpu_peak() -> float:
    """FLOP/s of a matrix product on this CPU, measured in a fraction of a second."""
    dtype = torch.bfloat16 if cpu_has_bf16() else torch.float32
    return _matmul_speed(torch.device("cpu"), dtype, 1024)


def _gpu_peak() -> float:
    """FLOP/s of a large matrix product: the peak of a card that is not in the table."""
    return _matmul_speed(torch.device("cuda"), torch.bfloat16, 8192)


def _matmul_speed(device: torch.device, dtype: torch.dtype, size: int) -> float:
    a = torch.ones(size, size, dtype=dtype, device=device)
    best = float("inf")
    for _ in range(5):
        clock = time.perf_counter()
        (a @ a)[0, 0].item()  # .item() waits for the device
        best = min(best, time.perf_counter() - clock)
    return 2.0 * size**3 / best
