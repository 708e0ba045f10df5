"""What could not be read safely: kept aside with a reason, so that one bad file or row never costs the good ones."""

import json
from collections import Counter
from pathlib import Path
from typing import IO, Any

SAMPLE = 200  # characters of the bad row that are kept


class Unsafe(Exception):
    """A file that must not be read on: a bomb, an archive that climbs, a reader that crashed or hung."""


class Quarantine:
    """The account of one source: every entry names file, place and reason. `handle` receives them as JSON lines."""

    def __init__(self, source: str = "", handle: IO[str] | None = None) -> None:
        self.source, self.entries, self.reasons, self._handle = source, 0, Counter[str](), handle
        self.first = ""

    def add(self, path: Path | str, place: str, reason: str, sample: str | bytes = "") -> None:
        """Put a file (place ""), or a row of it, aside. `reason`: what is wrong, a colon, details."""
        shown = sample.decode("utf-8", "replace") if isinstance(sample, bytes) else sample
        row: dict[str, Any] = {
            "source": self.source,
            "file": str(path),
            "place": place,
            "reason": reason,
            "sample": shown[:SAMPLE].encode("utf-8", "replace").decode(),
        }
        self.entries += 1
        self.reasons[reason.partition(":")[0]] += 1
        self.first = self.first or f"{path}{', ' if place else ''}{place}: {reason}"
        if self._handle is not None:
            self._handle.write(json.dumps(row, ensure_ascii=False) + "\n")
