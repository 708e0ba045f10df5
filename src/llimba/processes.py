"""Which of several processes this is, when `accelerate launch` (or torchrun) started more than one.

Read from the environment, as accelerate itself does, so that asking costs no import of torch.
"""

import os


def rank() -> int:
    """0 for the only process or the first of several, else 1, 2, ..."""
    return int(os.environ.get("RANK", "0"))


def count() -> int:
    """How many processes the launcher started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this process writes files and talks to the person."""
    return rank() == 0
