"""Whether finished files are still what was written: by SHA-256, read again only where size, time or inode differ.

A stage's output and a converted base model are read days after they were written; a byte that a disk or a person
changed since would be trained on in silence. What was read once is remembered in `.verified.json` beside the files.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from llimba.files import read_json, sha256, write_json

DIGESTS = "digests.json"
VERIFIED = ".verified.json"
Seen = dict[str, tuple[str, int, int, int]]  # name -> SHA-256, size, modified (ns), inode


def changed(folder: Path, digests: Mapping[str, str]) -> str | None:
    """The first file (a name relative to `folder`) that is gone or has another digest; None: all are as written."""
    known, seen = _known(folder), Seen()
    for name, digest in digests.items():
        path = folder / name
        try:
            stat = path.stat()
            seen[name] = (digest, stat.st_size, stat.st_mtime_ns, stat.st_ino)
            if known.get(name) != seen[name] and sha256(path) != digest:
                return name
        except FileNotFoundError:
            return name
    if seen != known:
        _remember(folder, seen)
    return None


def remember(folder: Path, digests: Mapping[str, str]) -> None:
    """Take digests that were just made for those of the files as they are."""
    stats = {name: (folder / name).stat() for name in digests}
    _remember(folder, {n: (digests[n], of.st_size, of.st_mtime_ns, of.st_ino) for n, of in stats.items()})


def _known(folder: Path) -> Seen:
    try:
        return {name: tuple(entry) for name, entry in json.loads((folder / VERIFIED).read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _remember(folder: Path, seen: Seen) -> None:
    if os.access(folder, os.W_OK):  # a folder that others own is read again each time
        write_json(folder / VERIFIED, seen)


def record(folder: Path) -> None:
    """Write the digests of every file in `folder` into it, for `recorded_change`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in (DIGESTS, VERIFIED))
    write_json(folder / DIGESTS, {path.relative_to(folder).as_posix(): sha256(path) for path in files})


def recorded_change(folder: Path) -> str | None:
    """The first file of a recorded folder that is not what it was; None too where nothing was recorded."""
    return changed(folder, read_json(folder / DIGESTS)) if (folder / DIGESTS).exists() else None
