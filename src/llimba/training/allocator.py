"""Keep freed memory on a CPU: 10 to 20 % of the training time was spent asking the system for it again.

glibc gives every block above 32 MiB back as soon as it is freed, and a training step frees and takes hundreds of
them; each comes back as zeroed pages, one fault at a time (measured on 2 cores with SmolLM2-135M, see docs/log.md). Two
settings of malloc stop that; jemalloc or tcmalloc would too, but must be loaded before Python starts.
"""

import ctypes
import logging
import sys

logger = logging.getLogger(__name__)

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of glibc's malloc.h
NEVER = -1


def keep_freed_memory() -> bool:
    """Let malloc keep what is freed for the next step; returns whether this system's malloc could be told."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # not glibc
        return False
    done = bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, NEVER))
    logger.debug("malloc keeps freed memory: %s", done)
    return done
