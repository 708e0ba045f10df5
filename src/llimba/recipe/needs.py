"""What a recipe needs from outside: libraries, access, files, disk, memory; what is missing, gathered before any work.

Whoever uses a thing says here that it is missing, and how to get it; `pipeline/requirements.py` asks them all and makes
one list of it. What cannot be told from here is a warning, never a refusal.
"""

import importlib
import sys
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that is missing."""

    key: str  # where the recipe asks for it
    lacks: str  # what is wrong, without a full stop
    fix: str  # the command to run, the page to open, or the key to change
    certain: bool = True  # False: it cannot be told from here, and the run may well succeed
    elsewhere: bool = False  # this kind of machine does not have it; another recipe may do without


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes that something will take on a disk."""

    what: str
    bytes: float
    folder: Path | None = None  # None: where the runs are
    until: str = ""  # the stage at whose end it is deleted again; "": it stays
    sure: bool = True  # False: a guess that no run is refused for


@dataclass(slots=True)
class Needs:
    """What was found missing so far, and what the disks must hold, in the order of the stages."""

    found: list[Need] = field(default_factory=list)
    spaces: list[Space] = field(default_factory=list)

    def lacks(self, key: str, what: str, fix: str, *, certain: bool = True, elsewhere: bool = False) -> None:
        """Add something missing, once."""
        need = Need(key, what, fix, certain, elsewhere)
        if need not in self.found:
            self.found.append(need)

    def library(self, key: str, asked: str, module: str, requirement: str, *, load: bool = False) -> None:
        """Add the pip `requirement` ("torchao>=0.15") where its `module` is missing or too old for what is `asked`."""
        if fault := library_fault(module, requirement, load=load):
            self.lacks(key, f"{asked} needs {fault}", pip_install(requirement))


def library_fault(module: str, requirement: str, *, load: bool = False) -> str:
    """Why a library cannot be used, "" where it can. `load` imports it, as some are there and do not load."""
    name, _, least = requirement.partition(">=")
    if find_spec(module.partition(".")[0]) is None:
        return f"{name}, which is not installed"
    try:
        if least and _release(version(name)) < _release(least):
            return f"{requirement}, and {version(name)} is installed"
    except PackageNotFoundError:  # put there by hand: no version to compare
        pass
    if load:
        try:
            importlib.import_module(module)
        except (ImportError, OSError, RuntimeError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            return f"{name}, which is installed but does not load ({said})"
    return ""


def pip_install(requirement: str) -> str:
    """The command that installs it where this program runs."""
    return f"{sys.executable} -m pip install '{requirement}'"


def _release(text: str) -> tuple[int, ...]:
    from packaging.version import Version

    return Version(text).release
