"""Signals ask a run to stop; the loop answers at the end of its step.

Python's `signal` is all there is: transformers' JIT checkpoint saves in the middle of an accumulation window, which
cannot be resumed to the same bits.
"""

import logging
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger(__name__)


@contextmanager
def stop_requests() -> Iterator[list[str]]:
    """A list that stays empty until SIGTERM, SIGINT or SIGHUP asks to stop; a second signal ends at once."""
    asked: list[str] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(signal.Signals(number).name)
        if number == signal.SIGHUP:
            _let_go_of_the_terminal()
        logger.warning("%s: finishing this step, then saving; once more to stop at once", asked[0])

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number in numbers:
            signal.signal(number, ask)
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _let_go_of_the_terminal() -> None:
    """Point the outputs that were the closed terminal's at nothing: a line written to it would end the run."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        if stat.S_ISCHR(os.fstat(descriptor).st_mode):
            os.dup2(nothing, descriptor)
    os.close(nothing)
