"""Every file is read through here: plain or compressed, within a budget of bytes, line by line without a longest line.

Python's gzip, bz2 and lzma and the zstandard package unpack; what they lack is a limit on what comes out. fsspec opens
the same formats, without one either.
"""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Literal, Protocol

from llimba.errors import StageError
from llimba.manifest import Json
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.unsafe import Unsafe

RATIO = 200  # of unpacked to packed bytes; text that people wrote stays below 30
FREE_BYTES = 16 * 2**20  # unpacked, before the ratio is asked for
LINE_BYTES = 16 * 2**20  # a longer line is no text
FILE_BYTES = 256 * 2**20  # of a file that is read whole (text as one document, HTML, EPUB, PDF)
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


class Status(Protocol):
    """What a file says of itself."""

    @property
    def st_size(self) -> int:
        """Bytes."""
        ...


class File(Protocol):
    """What is read of a `Path`, so that a file on the hub can be read in its place."""

    @property
    def name(self) -> str:
        """Without its folder."""
        ...

    @property
    def suffix(self) -> str:
        """The last one, with its dot."""
        ...

    @property
    def suffixes(self) -> list[str]:
        """All of them."""
        ...

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        """From its start; it can seek."""
        ...

    def stat(self) -> Status:
        """Its size."""
        ...


def _zstandard(raw: IO[bytes]) -> IO[bytes]:
    import zstandard

    # a frame may ask for a window of gigabytes: 128 MiB is what the tool itself allows without being told
    unpacker = zstandard.ZstdDecompressor(max_window_size=2**27)
    return unpacker.stream_reader(raw, closefd=True)


OPENERS: Json = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": _zstandard,
}


def broken() -> tuple[type[Exception], ...]:
    """What reading a file raises where the file is to blame."""
    import zstandard

    return (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, Unsafe, ValueError)


def existing(key: str, path: Path) -> Path:
    """The path itself, where there is something at it; `key` is where the recipe says it."""
    if not path.exists():
        raise StageError(f"{key}: {path} does not exist. Correct the path, or remove the source.")
    return path


def files_of(path: Path, kinds: Sequence[str], intake: Intake) -> list[tuple[str, Path]]:
    """(name below `path`, file) of a folder's files of these kinds, in order; none that a link leads out of it to.

    A file that is named itself is taken whatever its kind.
    """
    if not path.is_dir():
        return [(path.name, path)]
    inside = path.resolve()
    files = [p for p in sorted(path.rglob("*")) if p.is_file() and p.resolve().is_relative_to(inside)]
    known = [p for p in files if kind_of(p) in kinds]
    intake.skip("files of other kinds", len(files) - len(known))
    return [(p.relative_to(path).as_posix(), p) for p in known]


def kind_of(path: File) -> str:
    """The suffix that tells the format, in lower case, a compression's suffix taken off."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


class Bounded:
    """A binary stream, unpacked as its suffix says, that stops a bomb."""

    def __init__(self, path: File) -> None:
        suffix = path.suffix.lower()
        self._file = path.open("rb")
        self._raw: IO[bytes] = OPENERS[suffix](self._file) if suffix in OPENERS else self._file
        self._limit = max(FREE_BYTES, RATIO * path.stat().st_size) if suffix in OPENERS else None
        self._read, self._path = 0, path

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes (-1: 64 KiB, never the whole); raises `Unsafe` beyond the budget."""
        data = self._raw.read(size if size > 0 else 2**16)
        self._read += len(data)
        if self._limit is not None and self._read > self._limit:
            raise Unsafe(
                f"decompression bomb: {self._read:,} bytes from {self._path.stat().st_size:,}, more than {RATIO} times"
            )
        return data

    def __enter__(self) -> "Bounded":
        return self

    def __exit__(self, *error: object) -> None:
        self._raw.close()
        self._file.close()  # the unpackers leave it open


def whole(path: File) -> bytes:
    """The content of a file that is read at once; raises what `broken` names."""
    parts, size = [], 0
    with Bounded(path) as stream:
        while block := stream.read(2**20):
            size += len(block)
            if size > FILE_BYTES:
                raise Unsafe(f"too large: more than {FILE_BYTES:,} bytes in one document")
            parts.append(block)
    return b"".join(parts)


def text_of(data: bytes) -> str:
    """UTF-8, with or without a byte order mark; raises `Unsafe` that says how to convert what is not."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unsafe(f"not UTF-8: byte {error.start}. Convert it, e.g. with iconv -f latin1 -t utf8") from error


def raw_lines(path: File) -> Iterator[tuple[int, bytes | None]]:
    """(number, line without its end) of a file; None for one that is too long. Raises what `broken` names."""
    number, held, lost = 1, bytearray(), False
    with Bounded(path) as stream:
        while block := stream.read(2**20):
            first, *rest = block.split(b"\n")
            held += first
            for piece in rest:
                yield number, None if lost else bytes(held).removesuffix(b"\r")
                number, held, lost = number + 1, bytearray(piece), False
            if len(held) > LINE_BYTES:
                held, lost = bytearray(), True
    if held or lost:
        yield number, None if lost else bytes(held)


def lines(path: File, intake: Intake) -> Iterator[tuple[int, str]]:
    """(number, text) of every line that can be read; the others, and the rest of a broken file, go into quarantine."""
    number = 0
    try:
        for number, line in raw_lines(path):
            if line is None:
                intake.quarantine(str(path), f"line {number}", f"line too long: more than {LINE_BYTES:,} bytes")
                continue
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                intake.quarantine(str(path), f"line {number}", f"not UTF-8: byte {error.start} of the line", line)
    except broken() as error:
        intake.quarantine(str(path), f"after line {number}", f"{reason_of(error)}")


def reason_of(error: Exception) -> str:
    """What is wrong with a file, from what reading it raised."""
    if isinstance(error, Unsafe):
        return str(error)
    return f"broken file: {type(error).__name__}: {error}"
