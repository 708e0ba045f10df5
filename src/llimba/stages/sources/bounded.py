"""Every file is read through here: plain or compressed, within a budget of bytes, line by line without a longest line.

Python's gzip, bz2 and lzma and the zstandard package unpack; what they lack is a limit on what comes out. fsspec opens
the same formats, without one either.
"""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from llimba.errors import StageError
from llimba.manifest import Json
from llimba.stages.sources.charset import decode
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.recoded import Recoded
from llimba.stages.sources.unread import advice, unread
from llimba.stages.sources.unsafe import Unsafe

RATIO = 200  # of unpacked to packed bytes; text that people wrote stays below 30
FREE_BYTES = 16 * 2**20  # unpacked, before the ratio is asked for
LINE_BYTES = 16 * 2**20  # a longer line is no text
FILE_BYTES = 256 * 2**20  # of a file that is read whole (text as one document, HTML, EPUB, PDF)
SAME = {".text": ".txt", ".markdown": ".md", ".mkd": ".md", ".xht": ".xhtml", ".tab": ".tsv"}
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


class _Zstandard:
    """Frame after frame. The package's own reader stops after the first one, and at a torn end without a word."""

    PACKED_BYTES = 2048  # at a time: at worst they become 64 MiB

    def __init__(self, raw: IO[bytes]) -> None:
        import zstandard

        # a frame may ask for a window of gigabytes: 128 MiB is what the tool itself allows without being told
        self._frames = zstandard.ZstdDecompressor(max_window_size=2**27)
        self._raw, self._held = raw, bytearray()
        self._frame: Any = None

    def read(self, size: int) -> bytes:
        """At most `size` bytes; raises `EOFError` where a frame has no end."""
        while len(self._held) < size:
            packed = self._raw.read(self.PACKED_BYTES)
            if not packed:
                if self._frame is not None and not self._held:
                    raise EOFError("Compressed file ended before the end of a frame")
                break
            while packed:
                self._frame = self._frame or self._frames.decompressobj()
                self._held += self._frame.decompress(packed)
                packed = self._frame.unused_data if self._frame.eof else b""
                self._frame = None if self._frame.eof else self._frame
        data = bytes(self._held[:size])
        del self._held[:size]
        return data


OPENERS: Json = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": _Zstandard,
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

    Raises `StageError` where a file that is named itself is of another kind; in a folder those are left out and said.
    A name that is not UTF-8 sets its file apart: no record could say where it is from.
    """
    intake.folder = str(path if path.is_dir() else path.parent)
    if not path.is_dir():
        kind = kind_of(path)
        if kind not in kinds:
            raise StageError(
                f"{intake.key('path')}: {path} is no file of a kind that is read here ({', '.join(kinds)}). Convert it"
                f"{advice(kind, kinds)} or, if it is one of these, give it that suffix."
            )
        return [(path.name, path)]
    inside = path.resolve()
    found = []
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if not file.is_file() or not file.resolve().is_relative_to(inside):
            if file.is_symlink():
                intake.leave_out(name, kind_of(file), "links that lead nowhere or out of the folder")
        elif why := unread(name, kind_of(file), kinds):
            intake.leave_out(name, kind_of(file), why)
        elif any("\ud800" <= character <= "\udfff" for character in name):
            intake.quarantine(
                file, "", "file name is not UTF-8: rename it, e.g. with convmv -f latin1 -t utf8 --notest"
            )
        else:
            found.append((name, file))
    return found


def kind_of(path: File) -> str:
    """The suffix that tells the format, in lower case, a compression's suffix taken off."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return SAME.get(suffixes[-1], suffixes[-1]) if suffixes else ""


class Bounded:
    """A binary stream, unpacked as its suffix says, that stops a bomb."""

    def __init__(self, path: File) -> None:
        suffix = path.suffix.lower()
        self._path, self._size, self._read = path, path.stat().st_size, 0
        self._file = path.open("rb")
        self._raw: IO[bytes] = OPENERS[suffix](self._file) if suffix in OPENERS else self._file
        # what precedes a tear comes out only where no more is read at a time than is there
        self._take = (
            self._raw.read1 if isinstance(self._raw, gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile) else self._raw.read
        )
        self._limit = max(FREE_BYTES, RATIO * self._size) if suffix in OPENERS else None

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes (-1: 64 KiB, never the whole); raises `Unsafe` beyond the budget."""
        data = self._take(size if size > 0 else 2**16)
        self._read += len(data)
        if self._limit is not None and self._read > self._limit:
            raise Unsafe(f"decompression bomb: {self._read:,} bytes from {self._size:,}, more than {RATIO} times")
        return data

    def lost(self, units: int) -> int:
        """How many rows (or units) are lost in what was not read, where `units` were read: by bytes, at least one."""
        place = max(self._file.tell(), 1)
        return max(1, round(units * (self._size - place) / place))

    def __enter__(self) -> "Bounded":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


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


def text_of(data: bytes, path: File, intake: Intake) -> str:
    """The characters of a text file, whatever its encoding; raises `Unsafe` where it is text in none."""
    decoded = decode(data, letters=intake.letters)
    intake.decoded(path, decoded.choice, decoded.replaced)
    return decoded.text


def raw_lines(path: File, intake: Intake) -> Iterator[tuple[int, bytes | None]]:
    """(number, line in UTF-8 without its end) of a file; None for one that is too long.

    What the file's own encoding has no character for stays as it is, so that its line is not UTF-8.

    Raises `Unsafe` where the file is broken or a bomb, with an estimate of the lines that are lost. Where the first
    megabyte has no line feed, carriage returns end the lines, as they did on old Macs.
    """
    number, held, lost, end = 1, bytearray(), False, b""
    with Bounded(path) as stream:
        recoded = Recoded(stream, intake.letters, partial(intake.decoded, path))
        try:
            while block := recoded.read(2**20):
                end = end or (b"\r" if b"\r" in block and b"\n" not in block else b"\n")
                first, *rest = block.split(end)
                held += first
                for piece in rest:
                    yield number, None if lost else bytes(held).removesuffix(b"\r")
                    number, held, lost = number + 1, bytearray(piece), False
                if len(held) > LINE_BYTES:
                    held, lost = bytearray(), True
        except broken() as error:
            # what is held is lost too
            bomb = isinstance(error, Unsafe)
            raise Unsafe(reason_of(error), 1 if bomb else stream.lost(number - 1)) from error
    if held or lost:
        yield number, None if lost else bytes(held).removesuffix(b"\r")


def lines(path: File, intake: Intake) -> Iterator[tuple[int, str]]:
    """(number, text) of every line that can be read; the others, and the rest of a broken file, go into quarantine."""
    number = 0
    try:
        for number, line in raw_lines(path, intake):
            if line is None:
                intake.quarantine(path, f"line {number}", too_long())
                continue
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                intake.quarantine(path, f"line {number}", f"not UTF-8: byte {error.start} of the line", line)
    except broken() as error:
        intake.quarantine(path, f"after line {number}", reason_of(error), rows=rows_of(error))


def too_long() -> str:
    """What is wrong with a line that `raw_lines` gives as None."""
    return f"line too long: more than {LINE_BYTES:,} bytes"


def reason_of(error: Exception) -> str:
    """What is wrong with a file, from what reading it raised."""
    if isinstance(error, Unsafe):
        return str(error)
    return f"broken file: {type(error).__name__}: {error}"


def rows_of(error: Exception) -> int:
    """How many rows are lost by what reading a file raised."""
    return error.rows if isinstance(error, Unsafe) else 1
