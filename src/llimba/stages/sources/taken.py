"""How much of each file a reader took: characters given out against visible ones, or rows given out against rows read.

A reader that loses text says nothing of it by itself. The counts of `Extracted` are made by other code, so a share far
from 1 shows it: it is said from WARNED on, and a file of which less than half came out is set apart.
"""

import json
import logging
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import IO, Literal

logger = logging.getLogger(__name__)

WARNED, REFUSED = (0.9, 1.1), 0.5
FEW = 100  # characters; of less text a share says nothing
CHOSEN = ("html", "warc", "chat", "transcript")  # of which only a part is wanted: no menus, no times
WARNINGS = 5  # of a source; the report has all
NAMED = 200  # files that are left out for the same reason
Unit = Literal["characters", "rows"]


@dataclass(frozen=True, slots=True)
class Taken:
    """One file: how much was given out, of how much, in characters without white space or in rows."""

    file: str
    kind: str
    given: int
    visible: int
    unit: Unit = "characters"

    @property
    def share(self) -> float:
        """1 where nothing was there to be given."""
        return self.given / self.visible if self.visible else 1.0

    @property
    def judged(self) -> bool:
        """Whether the share says something about the reader."""
        return self.kind not in CHOSEN and (self.unit == "rows" or self.visible >= FEW)

    @property
    def far(self) -> bool:
        """Whether it is said, since too much or too little came out."""
        return self.judged and not WARNED[0] <= self.share <= WARNED[1]

    @property
    def refused(self) -> bool:
        """Whether less than half of the text came out."""
        return self.unit == "characters" and self.judged and self.share < REFUSED


@dataclass(slots=True)
class Files:
    """What was taken of the files of one source, written down one by one."""

    source: str = ""
    handle: IO[str] | None = None
    count: int = 0
    given: dict[str, int] = field(default_factory=dict)  # by unit
    visible: dict[str, int] = field(default_factory=dict)
    warned: int = 0
    _left_out: Counter[str] = field(default_factory=Counter)  # by reason
    encodings: dict[str, None] = field(default_factory=dict)  # of the file that is being read; a WARC file has several

    def add(self, taken: Taken) -> None:
        """Count a file, and say where its share is far from 1."""
        self.count += 1
        self.given[taken.unit] = self.given.get(taken.unit, 0) + taken.given
        self.visible[taken.unit] = self.visible.get(taken.unit, 0) + taken.visible
        if self.handle is not None:
            encoding = ", ".join(self.encodings)
            row = {
                "source": self.source,
                **asdict(taken),
                "encoding": encoding,
                "share": round(taken.share, 4),
                "far": taken.far,
            }
            self.handle.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.encodings.clear()
        if taken.far:
            self.warned += 1
            if self.warned <= WARNINGS:
                logger.warning(
                    "  %-12s %s: %s of %s %s were read, a share of %.2f", self.source, taken.file,
                    f"{taken.given:,}", f"{taken.visible:,}", taken.unit, taken.share,
                )  # fmt: skip

    def leave_out(self, name: str, kind: str, why: str) -> None:
        """Write down a file that is not read; of a reason only the first few, since the facts count them all."""
        self._left_out[why] += 1
        if self.handle is not None and self._left_out[why] <= NAMED:
            row = {"source": self.source, "file": name, "kind": kind, "left_out": why}
            self.handle.write(json.dumps(row, ensure_ascii=False) + "\n")

    def shares(self) -> dict[str, float]:
        """By unit, the share of all files together."""
        return {unit: round(self.given[unit] / number, 4) for unit, number in self.visible.items() if number}
