"""Files that are whole or absent: atomic writes, JSON and JSON lines, digests.

Every file llimba leaves behind is written beside its place, flushed to the disk and renamed, so that a kill at any
moment leaves the old file or the new one. Why not a library: `atomicwrites` is unmaintained, and what is left is the
six lines of `replacing`.
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from llimba.errors import StageError

OS_ERROR = re.compile(r"\(os error (\d+)\)")  # as Rust's standard library writes it
WEIGHTS = ".safetensors"  # never edited in place by people


class Within:
    """A file or folder inside a `Folder`, by its name: `scores_file = Within("scores.json")` is a path there."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, folder: "Folder", _: type["Folder"]) -> Path:
        return folder.path / self._name


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder whose file names are known: the subclasses say them, and nobody else does."""

    path: Path


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """Open a text file that appears at `path` only when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a run that was killed inside `replacing` left under a folder; nobody else may be writing there."""
    for path in folder.rglob(".*.tmp"):
        path.unlink()


def flush(path: Path) -> None:
    """Flush a file, or a folder with everything in it, to the disk."""
    for inside in path.iterdir() if path.is_dir() else ():
        flush(inside)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that what is put in place there survives a power cut."""
    if folder.is_dir():
        return
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def into_place(partial: Path, final: Path) -> None:
    """Give a finished file or folder its final name: after a power cut it is there whole, or not at all."""
    for weights in partial.rglob(f"*{WEIGHTS}") if partial.is_dir() else ():
        weights.chmod(0o666 & ~_umask())  # safetensors makes files that nobody else may read, whatever the umask says
    flush(partial)
    os.rename(partial, final)
    sync_folder(final.parent)


def _umask() -> int:
    """The process's umask, which can only be read by setting it: to one that gives nothing away meanwhile."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Flush a folder's directory entries, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise `OSError` where a library says in words of its own that the disk refused: safetensors does."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if (found := OS_ERROR.search(str(error))) is None:
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1]))) from error


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    with replacing(path) as handle:
        json.dump(value, handle, ensure_ascii=False, indent=2)
        handle.write("\n")


def read_json(path: Path) -> Any:
    """Read one JSON file; a broken one is a `StageError` that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise StageError(f"{path} cannot be read as JSON ({error}). Delete it to have it made again.") from error


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as JSON lines, atomically; returns how many."""
    count = 0
    with replacing(path) as handle:
        for row in rows:
            handle.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON lines file; a broken line is a `StageError` with its number."""
    if not path.exists():
        raise StageError(f"{path} does not exist. Check the path where it is set, or run the stage that writes it.")
    with path.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise StageError(f"{path}, line {number}: not valid JSON ({error}).") from error
            if not isinstance(row, dict):
                raise StageError(f"{path}, line {number}: expected a JSON object, found {type(row).__name__}.")
            yield row


def link(source: Path, target: Path) -> None:
    """Put `source` at `target` too: weights as a hard link where there are such; what people edit is copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    if source.suffix == WEIGHTS:
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
    else:
        shutil.copyfile(source, target)


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes; of a folder, of its files' names and digests in sorted order."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        listing = [[p.relative_to(path).as_posix(), sha256(p)] for p in files]
        return hashlib.sha256(json.dumps(listing).encode()).hexdigest()
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def file_name(text: str) -> str:
    """Text that people wrote, as the name of a file: in this folder whatever it says, at most 80 characters."""
    return re.sub(r"[/\\\0-\x1f]", "_", text)[:80].lstrip(".") or "_"


def fingerprint(value: Any) -> str:
    """Sixteen hex digits that identify a JSON value whatever the order of its keys."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def free_bytes(folder: Path) -> int:
    """Free space on the disk that a folder is on, or will be."""
    return shutil.disk_usage(existing(folder)).free


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())


def bytes_under(folder: Path) -> int:
    """Bytes of the files under a folder; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def stable_fraction(*parts: str) -> float:
    """A number in [0, 1) fixed by the parts alone: splits and shuffles by hash survive reordering and growth."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
