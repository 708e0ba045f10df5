"""One way to show that long work is going on: a bar on a terminal, a line every ten seconds in a log.

rich draws the bar; what it lacks is the plain line for logs, without which a run under nohup looks dead.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from llimba import processes

# tabs and line ends stay; the other control characters move the cursor, set a terminal's title, or worse
CONTROL = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}


def plain_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console that prints text as it is: paths, names and sentences of others hold no markup and no emoji codes."""
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


console = plain_console(stderr=True)
SECONDS_BETWEEN_LINES = 10.0


class Bar:
    """Counts work done; `advance` is cheap enough to call for every item."""

    def __init__(self, description: str, total: float, unit: str, progress: Progress | None, silent: bool) -> None:
        self.description, self.total, self.unit, self._progress = description, total, unit, progress
        self._before, self._done, self._started, self._said = 0.0, 0.0, time.monotonic(), time.monotonic()
        self._silent = silent
        self._task = progress.add_task(description, total=total, rate="") if progress else None

    def resume_at(self, amount: float) -> None:
        """Start at `amount`, done in an earlier run, without counting it into the rate."""
        self._before = amount

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Count `amount` more units; `note` (e.g. the loss) is shown beside the rate.

        Where there was more to do than was thought (a long text is scored in windows), the total grows.
        """
        self._done += amount
        self.total = max(self.total, self._before + self._done)
        now = time.monotonic()
        rate = self._done / max(now - self._started, 1e-9)
        shown = f"{rate:,.0f} {self.unit}/s" if rate >= 10 else f"{rate:.2f} {self.unit}/s"
        shown += f"  {note}" if note else ""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=self._before + self._done, total=self.total, rate=shown)
        elif not self._silent and now - self._said >= SECONDS_BETWEEN_LINES:
            self._said = now
            done = self._before + self._done
            left = (self.total - done) / rate
            console.print(f"{self.description}: {done:,.0f}/{self.total:,.0f} {self.unit}, {shown}, {left:,.0f} s left")


def _column(text: str) -> TextColumn:
    return TextColumn(text, markup=False)


@contextmanager
def bar(description: str, total: float, unit: str) -> Iterator[Bar]:
    """Show a progress bar while the block runs; `unit` is what is counted, e.g. "tokens"."""
    if not processes.is_main() or not sys.stderr.isatty():
        yield Bar(description, total, unit, None, silent=not processes.is_main())
        return
    done = (_column("{task.description}"), BarColumn(), TaskProgressColumn(), _column("{task.fields[rate]}"))
    times = (TimeElapsedColumn(), _column("left"), TimeRemainingColumn())
    with Progress(*done, *times, console=console, transient=True) as progress:
        yield Bar(description, total, unit, progress, silent=False)
