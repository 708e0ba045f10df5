"""A registry's archive, unpacked within bounds: wheels and xpi (zip), npm packages (tar), Debian packages.

Only regular files, and links that stay inside; nothing is written outside of the folder, no device, no special mode.
`shutil.unpack_archive`, `tarfile` and `zipfile` lack bounds on number and size, and their checks of links have had
holes; here links are made last, when nothing more is written through them.
"""

import errno
import logging
import lzma
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Self

from llimba.data_files.faults import shortened
from llimba.errors import StageError

logger = logging.getLogger(__name__)

MEMBERS = 200_000
RATIO = 200  # of unpacked to packed bytes
FREE_BYTES = 64 * 2**20  # unpacked, before the ratio is asked for
BYTES = 20 * 2**30  # unpacked, at most
BLOCK = 2**20
HEADER_BYTES = 2**20
CONTENT = (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE)
ZIPS = (".whl", ".zip", ".xpi")
UNNAMABLE = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL, errno.EILSEQ, errno.ELOOP}


class _Header(tarfile.TarInfo):
    """A member's header; one that announces a name or attributes of gigabytes is refused before they are read."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """As `tarfile` reads it; raises `_Refused`."""
        header = super().frombuf(buf, encoding, errors)
        if header.type not in CONTENT and header.size > HEADER_BYTES:
            raise _Refused("one of its headers is larger than a megabyte")
        return header


class _Refused(Exception):
    """What is wrong with an archive, a few words."""


class _Unpacking:
    """One archive on its way into a folder, with what it has taken so far."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self._folder = folder
        self._members, self._bytes = 0, 0
        self._most = min(BYTES, max(FREE_BYTES, RATIO * archive.stat().st_size))
        self._links: list[tuple[Path, str, bool]] = []  # place, target, whether it is a hard link
        self.left_out = 0  # links

    def place(self, name: str) -> Path:
        """Where a member goes; raises `_Refused` for one that would go outside, and for one too many."""
        self._members += 1
        if self._members > MEMBERS:
            raise _Refused(f"it holds more than {MEMBERS:,} members")
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or "\0" in name:
            raise _Refused(f"its member '{shortened(name)}' would be written outside of the folder")
        return self._folder / path

    def file(self, name: str, content: IO[bytes], *, program: bool = False) -> None:
        """Write one regular file; raises `_Refused` beyond the bound on bytes."""
        place = self.place(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o777 if program else 0o666)
        with open(descriptor, "wb") as handle:
            while block := content.read(BLOCK):
                self._bytes += len(block)
                if self._bytes > self._most:
                    raise _Refused(f"it unpacks to more than {self._most:,} bytes")
                handle.write(block)

    def link(self, name: str, target: str, *, hard: bool) -> None:
        """Note a link; it is made by `finish`."""
        self._links.append((self.place(name), target, hard))

    def finish(self) -> None:
        """Make the links that stay inside: a hard one as a copy, as what it names may have been replaced."""
        inside = self._folder.resolve()
        for place, target, hard in self._links:
            named = (self._folder if hard else place.parent) / target  # an absolute target stays absolute
            outside = not all(path.resolve().is_relative_to(inside) for path in (named, place.parent))
            if outside or os.path.lexists(place):
                self.left_out += 1
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if not hard:
                place.symlink_to(target)
            elif named.is_file():
                self._bytes += named.stat().st_size
                if self._bytes > self._most:
                    raise _Refused(f"it unpacks to more than {self._most:,} bytes")
                shutil.copy(named, place)
        for place, _, hard in self._links:  # one link may have changed where another leads
            if not hard and place.is_symlink() and not place.resolve().is_relative_to(inside):
                place.unlink()
                self.left_out += 1


def unpack(archive: Path, folder: Path) -> None:
    """Unpack into a new folder; raises `StageError` for an archive that is broken, too large, or leads outside."""
    folder.mkdir()
    unpacking = _Unpacking(archive, folder)
    try:
        if archive.suffix == ".deb":
            _unpack_deb(archive, unpacking)
        elif archive.suffix in ZIPS:
            _unpack_zip(archive, unpacking)
        else:
            with tarfile.open(archive, tarinfo=_Header) as tar:
                _unpack_tar(tar, unpacking)
        unpacking.finish()
    except _Refused as error:
        raise StageError(f"{archive.name} is not unpacked: {error}. Do not trust the package it came with.") from error
    except (
        zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError,
        UnicodeError, RecursionError,
    ) as error:  # fmt: skip
        raise StageError(f"{archive.name} is not a whole archive ({error}); run again to fetch it anew.") from error
    except OSError as error:
        if error.errno in UNNAMABLE or isinstance(error, shutil.Error):
            raise StageError(f"{archive.name} is not unpacked: no such file can be made here ({error}).") from error
        raise
    if unpacking.left_out:
        logger.info(
            "  %s: %d links are left out: they lead out of it, or a file has their name",
            archive.name,
            unpacking.left_out,
        )


def _unpack_zip(archive: Path, unpacking: _Unpacking) -> None:
    with zipfile.ZipFile(archive) as zipped:
        for member in zipped.infolist():
            if not member.is_dir():
                with zipped.open(member) as content:  # what a link is in a zip is a file here
                    unpacking.file(member.filename, content)


def _unpack_tar(tar: tarfile.TarFile, unpacking: _Unpacking) -> None:
    for member in tar:
        if member.isdir():
            unpacking.place(member.name).mkdir(parents=True, exist_ok=True)
        elif member.issym() or member.islnk():
            unpacking.link(member.name, member.linkname, hard=member.islnk())
        elif member.isfile() and (content := tar.extractfile(member)) is not None:
            unpacking.file(member.name, content, program=bool(member.mode & 0o111))
        elif not member.isfile():
            raise _Refused(f"its member '{shortened(member.name)}' is a device or a pipe")


def _unpack_deb(archive: Path, unpacking: _Unpacking) -> None:
    """dpkg-deb opens the package and hands over the tar archive of its files; it writes nothing itself."""
    command = ["dpkg-deb", "--fsys-tarfile", str(archive.resolve())]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said) as process,
    ):
        assert process.stdout is not None
        fault: Exception | None = None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|", tarinfo=_Header) as tar:
                _unpack_tar(tar, unpacking)
            while process.stdout.read(BLOCK):  # padding: dpkg-deb complains where nobody takes it
                pass
        except tarfile.TarError as error:
            fault = error
        except BaseException:
            process.kill()
            raise
        process.stdout.close()
        if process.wait() or fault:
            said.seek(0)
            complaint = said.read(10_000).decode(errors="replace").strip().splitlines()
            raise _Refused(f"dpkg-deb could not open it ({complaint[-1] if complaint else fault})")
