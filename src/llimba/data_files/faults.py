"""A fault of a file: where it is and what is wrong; and how other people's text is shown in a message."""

import reprlib
from collections.abc import Iterable
from typing import NamedTuple

LONGEST = 60  # characters of a value in a message


class Fault(NamedTuple):
    """One fault: `location` holds the keys and list positions that lead to it, as the user wrote them."""

    location: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        place = ".".join(shortened(str(part)) for part in self.location)  # sources.mine.path
        return f"{place}: {self.message}" if self.location else self.message


class Faults(ValueError):
    """Several faults at once, so that a pydantic validator can report more than one."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(map(str, self.faults)))


def printable(text: str) -> str:
    """`text` on one line that any terminal and any file can take: what cannot be printed is written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(text: str) -> str:
    """`text` made printable, with its middle left out where it is longer than `LONGEST`."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}...{text[-LONGEST // 4 :]}"
    return printable(text)


_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = LONGEST
_shown.maxlevel, _shown.maxdict, _shown.maxlist = 2, 2, 3


def shown(value: object) -> str:
    """`value` as Python writes it, short and on one line."""
    return printable(_shown.repr(value))
