"""A stream of text in any encoding, read as UTF-8: what splits lines and rows then knows one encoding only.

The encoding is chosen at the first block that holds more than ASCII. codecs.StreamRecoder would do the rest, but fails
at a byte that has no character. Here such bytes stay as they are, so that only their own lines are not UTF-8.
"""

import codecs
from collections.abc import Callable
from typing import Protocol

from llimba.stages.sources.charset import MARKS, WIDE, Choice, choose, codec
from llimba.stages.sources.unsafe import Unsafe

ENOUGH = 2**18  # bytes to choose by
KEPT = "llimba-kept"  # the handler of what cannot be decoded


def _kept(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    data = error.object[error.start : error.end]
    return data.decode("ascii", "surrogateescape"), error.end


codecs.register_error(KEPT, _kept)


class Readable(Protocol):
    """What gives bytes."""

    def read(self, size: int = -1) -> bytes: ...


class Recoded:
    """Gives `stream` as UTF-8; `chosen` is called once, with the encoding, where the stream is more than ASCII."""

    def __init__(self, stream: Readable, letters: str, chosen: Callable[[Choice], None]) -> None:
        self._stream, self._letters, self._chosen = stream, letters, chosen
        self._decoder: codecs.IncrementalDecoder | None = None
        self._decided = False

    def read(self, size: int = -1) -> bytes:
        """About `size` bytes; none at the end."""
        while block := self._stream.read(size):
            if not self._decided and not _plain(block):
                block = self._decide(block)
            if self._decoder is None:
                return block
            if text := self._decoder.decode(block):
                return text.encode("utf-8", "surrogateescape")
        rest = self._decoder.decode(b"", final=True) if self._decoder is not None else ""
        self._decoder = None
        return rest.encode("utf-8", "surrogateescape")

    def _decide(self, block: bytes) -> bytes:
        while len(block) < ENOUGH and (more := self._stream.read(ENOUGH)):
            block += more
        self._decided = True
        # a block may end within a character
        whole = block[: block.rfind(b"\n") + 1] if len(block) >= ENOUGH and b"\0" not in block else block
        try:
            choice = choose(whole or block, "", self._letters)
        except Unsafe:  # its lines are set apart one by one
            return block
        self._chosen(choice)
        if choice.encoding == "utf-8":
            return block
        errors = "replace" if choice.encoding in WIDE else KEPT
        self._decoder = codecs.getincrementaldecoder(codec(choice.encoding))(errors)
        mark = next((mark for mark, name in MARKS if name == choice.encoding and block.startswith(mark)), b"")
        return block[len(mark) :]


def _plain(block: bytes) -> bool:
    """Whether a block is ASCII, and not UTF-16 or ISO-2022, which may look like it."""
    return block.isascii() and b"\0" not in block and b"\x1b" not in block
