"""Keep freed memory on a CPU: 10 to 20 % of the training time was spent asking the system for it again.

glibc gives every block above 32 MiB back as soon as it is freed, and a training step frees and takes hundreds of
them; each comes back as zeroed pages, one fault at a time (measured on 2 cores with SmolLM2-135M, see docs/log.md). Two
settings of malloc stop that; jemalloc or tcmalloc would too, but must be loaded before Python starts.

Rows of ever other sizes leave ever smaller gaps, though: in 85 steps of SmolLM2-135M the process grew from 6.4 to
10.3 GiB, of which 6.3 were gaps. So everything free is given back now and then.
"""

import ctypes
import logging
import sys

logger = logging.getLogger(__name__)

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of glibc's malloc.h
NEVER = -1
DEFAULTS = {M_MMAP_MAX: 65536, M_TRIM_THRESHOLD: 128 * 1024}  # glibc's own
EVERY = 20  # steps: their gaps are few, and one step in twenty that takes its memory anew is not felt


class FreedMemory:
    """What malloc does with memory that is freed, from now on; nothing where it is not glibc's, or not the CPU's."""

    def __init__(self, device_type: str) -> None:
        self.kept = False
        if device_type != "cpu" or not sys.platform.startswith("linux"):
            return
        try:
            self._libc = ctypes.CDLL(None)
            self._libc.malloc_trim  # noqa: B018  only glibc has it
            self.kept = bool(self._libc.mallopt(M_MMAP_MAX, 0)) and bool(self._libc.mallopt(M_TRIM_THRESHOLD, NEVER))
        except (AttributeError, OSError):  # not glibc
            return
        logger.debug("malloc keeps freed memory: %s", self.kept)

    def after(self, step: int) -> None:
        """Give the gaps back after every twentieth step, counted from 1."""
        if self.kept and step % EVERY == 0:
            self._libc.malloc_trim(ctypes.c_size_t(0))

    def end(self) -> None:
        """Give everything free back and let malloc do as it did before: what follows a training has other habits."""
        if self.kept:
            for name, value in DEFAULTS.items():
                self._libc.mallopt(name, value)
            self._libc.malloc_trim(ctypes.c_size_t(0))
