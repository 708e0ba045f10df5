"""Zip archives in a folder: their files are read as if they lay in it, each within the bounds of a file.

zipfile unpacks; what it lacks is a limit on what comes out, and an opinion on names that climb. A member is written to
a temporary file, since readers take files, and is gone before the next one.
"""

import stat
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from llimba.stages.sources import bounded
from llimba.stages.sources.epub import Archive
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.unread import unread

ZIP = ".zip"


def _faults() -> tuple[type[Exception], ...]:
    """What zipfile raises where the archive is to blame."""
    return (*bounded.broken(), zipfile.BadZipFile, NotImplementedError, RuntimeError, KeyError, OverflowError)


def unpacked(files: Iterable[tuple[str, Path]], kinds: Iterable[str], intake: Intake) -> Iterator[tuple[str, Path]]:
    """(name, file) of every file, those of a zip archive in its place; the archive's own members are temporary."""
    for shown, path in files:
        if bounded.kind_of(path) != ZIP:
            yield shown, path
            continue
        try:
            with zipfile.ZipFile(path) as zipped:
                yield from _members(zipped, shown, path, set(kinds), intake)
        except _faults() as error:
            intake.quarantine(path, "", bounded.reason_of(error))


def _members(
    zipped: zipfile.ZipFile, shown: str, path: Path, kinds: set[str], intake: Intake
) -> Iterator[tuple[str, Path]]:
    archive = Archive(zipped, max(bounded.FREE_BYTES, bounded.RATIO * path.stat().st_size))
    links = {entry.filename for entry in zipped.infolist() if stat.S_ISLNK(entry.external_attr >> 16)}
    for name in sorted(archive.names()):
        parts = PurePosixPath(name).parts
        kind = bounded.kind_of(Path(name))
        if why := "links in archives" if name in links else unread(name, kind, kinds):
            intake.leave_out(f"{shown}/{name}", kind, why)
        elif name.startswith("/") or ".." in parts:
            intake.quarantine(f"{path}/{name}", "", f"path that climbs: {name}")
        else:
            try:
                data = archive.read(name)
            except _faults() as error:
                intake.quarantine(f"{path}/{name}", "", bounded.reason_of(error))
                continue
            with _written(data, "".join(PurePosixPath(name).suffixes[-2:])) as member:
                intake.unpacked[str(member)] = f"{path}/{name}"
                yield f"{shown}/{name}", member
                del intake.unpacked[str(member)]


@contextmanager
def _written(data: bytes, suffix: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"member{suffix[-20:]}"
        path.write_bytes(data)
        yield path
