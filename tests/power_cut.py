"""What is on the disk after a power cut at any moment: everything that was not flushed may be gone. For tests.

While a block runs, `os.fsync` tells what is flushed, and Python's audit hooks stop before every rename, removal, link
and new folder under a root. At each such moment the trees that a cut there could leave are made up: a file holds
what it held when it was last flushed, a folder's entries are, folder for folder, those of its last flush or those of
now. The root must be on a tmpfs, whose inode numbers are not given out twice.
"""

import os
import random
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

EVENTS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link"}
MOST_WHOLE, DRAWS = 3, 6  # folders whose choices are all made; random choices where there are more
Tree = dict[str, bytes]  # relative path of every file -> its bytes

_hearing: "Cuts | None" = None


@dataclass
class Cuts:
    """Counts the moments, and shows every possible tree at each to `look`."""

    root: Path
    look: Callable[[Tree], None]
    moments: int = 0
    trees: int = 0
    contents: dict[int, bytes] = field(default_factory=dict)  # of flushed files, by inode
    entries: dict[int, dict[str, int]] = field(default_factory=dict)  # of flushed folders
    chance: random.Random = field(default_factory=lambda: random.Random(22))
    process: int = field(default_factory=os.getpid)

    def flushed(self, descriptor: int) -> None:
        """Keep what a file or folder holds now."""
        about = os.fstat(descriptor)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if self.root in (path, *path.parents):
            if stat.S_ISDIR(about.st_mode):
                self.entries[about.st_ino] = {entry.name: entry.inode() for entry in os.scandir(path)}
            else:
                self.contents[about.st_ino] = path.read_bytes()

    def begin(self) -> None:
        """What is there is flushed."""
        for folder, _, files in os.walk(self.root):
            for path in (Path(folder), *(Path(folder) / name for name in files)):
                descriptor = os.open(path, os.O_RDONLY)
                self.flushed(descriptor)
                os.close(descriptor)

    def cut(self) -> None:
        """Show what a cut now could leave: all names kept, no unflushed name kept, or a mixture folder by folder."""
        self.moments += 1
        now: dict[int, dict[str, int]] = {}
        for folder, _, _ in os.walk(self.root):
            now[os.stat(folder).st_ino] = {entry.name: entry.inode() for entry in os.scandir(folder)}
        pending = [i for i in sorted(now.keys() | self.entries.keys()) if now.get(i) != self.entries.get(i)]
        seen = set()
        for kept in self._choices(pending):
            names = self.entries | {i: now.get(i, {}) for i in kept}
            tree = dict(self._files(os.stat(self.root).st_ino, names, ""))
            if (key := frozenset(tree.items())) not in seen:
                seen.add(key)
                self.trees += 1
                self.look(tree)

    def _choices(self, pending: list[int]) -> Iterator[tuple[int, ...]]:
        """Which of the folders with unflushed names keep them: every choice of few; of many all, none, and some."""
        if len(pending) <= MOST_WHOLE:
            for count in range(len(pending) + 1):
                yield from combinations(pending, count)
        else:
            yield from ((), tuple(pending))
            for _ in range(DRAWS):
                yield tuple(i for i in pending if self.chance.random() < 0.5)

    def _files(self, folder: int, names: dict[int, dict[str, int]], place: str) -> Iterator[tuple[str, bytes]]:
        for name, inode in names[folder].items():
            if inode in names:
                yield from self._files(inode, names, f"{place}{name}/")
            else:
                yield f"{place}{name}", self.contents.get(inode, b"")


@contextmanager
def cuts(root: Path, look: Callable[[Tree], None]) -> Iterator[Cuts]:
    """Cut the power before every change of a name under `root` while the block runs."""
    global _hearing
    found, fsync = Cuts(root.resolve(), look), os.fsync
    found.begin()

    def told(descriptor: Any) -> None:
        fsync(descriptor)
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        if os.getpid() == found.process:
            found.cut()
            found.flushed(number)

    os.fsync, _hearing = told, found
    try:
        yield found
        found.cut()
    finally:
        os.fsync, _hearing = fsync, None


def write(tree: Tree, folder: Path) -> None:
    """Put a tree on the disk."""
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    global _hearing
    if event in EVENTS and _hearing is not None and os.getpid() == _hearing.process:
        hearing, _hearing = _hearing, None  # what looking does is not looked at
        try:
            hearing.cut()
        finally:
            _hearing = hearing


sys.addaudithook(_hook)
