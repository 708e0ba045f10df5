"""The most memory held at once since `reset`: of the GPU where one computes, else of this process.

Why not psutil: it has no high-water mark that can be reset.
"""

import logging
import resource
import sys
from pathlib import Path

logger = logging.getLogger(__name__)


def reset() -> None:
    """Start the high-water marks anew (for the process on Linux only; elsewhere its mark is the whole run's)."""
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        logger.debug("the peak memory of a stage includes the stages before it on this system")


def resident() -> int:
    """Bytes of memory that this process holds now; 0 where the system does not say (only Linux does)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def read() -> int:
    """Bytes: what torch allocated on the GPU if it did, else the resident memory of this process."""
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
