"""Keep freed memory on a CPU: 10 to 20 % of the training time was spent asking the system for it again.

glibc gives every block above 32 MiB back as soon as it is freed, and a training step frees and takes hundreds of
them; each comes back as zeroed pages, one fault at a time (measured on 2 cores with SmolLM2-135M, see docs/log.md). Two
settings of malloc stop that; jemalloc or tcmalloc would too, but must be loaded before Python starts.

Rows of ever other sizes leave ever smaller gaps, though: in 20 steps of SmolLM2-135M the process grew from 5.2 to
8.7 GiB, and 3.8 were left when it gave back what was free. So it does that whenever it has grown beyond a bound.
"""

import ctypes
import logging
import sys

from llimba.training import peak_memory

logger = logging.getLogger(__name__)

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of glibc's malloc.h
NEVER = -1
DEFAULTS = {M_MMAP_MAX: 65536, M_TRIM_THRESHOLD: 128 * 1024}  # glibc's own
GAPS = 0.8  # of what is in use: so much may lie free; a bound that is met every ten steps or so is not felt
EARLY = 0.9  # of the bound: a step takes some more before it ends (with 1.0 runs peaked 8 to 16 % above it)


class FreedMemory:
    """What malloc does with memory that is freed, from now on; nothing where it is not glibc's, or not the CPU's.

    `bound`: bytes of the process, gaps and all, that it is not to outgrow.
    """

    def __init__(self, device_type: str, bound: float) -> None:
        self.kept, self.bound = False, bound
        if device_type != "cpu" or not sys.platform.startswith("linux"):
            return
        try:
            self._libc = ctypes.CDLL(None)
            self._libc.malloc_trim  # noqa: B018  only glibc has it
            self.kept = bool(self._libc.mallopt(M_MMAP_MAX, 0)) and bool(self._libc.mallopt(M_TRIM_THRESHOLD, NEVER))
        except (AttributeError, OSError):  # not glibc
            return
        logger.debug("malloc keeps freed memory: %s", self.kept)

    def after_step(self) -> None:
        """Give the gaps back where the process has outgrown its bound."""
        if self.kept and peak_memory.resident() > EARLY * self.bound:
            self._libc.malloc_trim(ctypes.c_size_t(0))

    def end(self) -> None:
        """Give everything free back and let malloc do as it did before: what follows a training has other habits."""
        if self.kept:
            for name, value in DEFAULTS.items():
                self._libc.mallopt(name, value)
            self._libc.malloc_trim(ctypes.c_size_t(0))
