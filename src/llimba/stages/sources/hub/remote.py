"""A file on the hub, read like a `Path`: only the parts that are asked for are transferred.

huggingface_hub's file system does the reading. What it raises would pass for a broken file where readers set those
aside, so it is asked through `asking.py`, whose errors nothing sets aside.
"""

import io
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, Literal, cast

from llimba.stages.sources.hub.asking import Asked

BLOCK = 2**20  # bytes of one request at least


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a commit."""

    ask: Asked
    commit: str
    path: str
    st_size: int  # bytes

    def __str__(self) -> str:
        return f"{self.ask.dataset}/{self.path}"

    @property
    def name(self) -> str:
        """Without its folder."""
        return PurePosixPath(self.path).name

    @property
    def suffix(self) -> str:
        """The last one, with its dot."""
        return PurePosixPath(self.path).suffix

    @property
    def suffixes(self) -> list[str]:
        """All of them."""
        return PurePosixPath(self.path).suffixes

    def stat(self) -> "RemoteFile":
        """Its size, as `os.stat_result` has it."""
        return self

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        """From its start; it can seek. Raises `StageError` where the hub doesn't give it."""
        from huggingface_hub import HfFileSystem

        place = f"datasets/{self.ask.dataset}@{self.commit}/{self.path}"
        opened = self.ask(lambda: HfFileSystem().open(place, mode, block_size=BLOCK))
        return cast(IO[bytes], io.BufferedReader(_Asking(opened, self.ask), BLOCK))


class _Asking(io.RawIOBase):
    """The raw stream behind a buffered one, every read of it asked again where that may help."""

    def __init__(self, opened: Any, ask: Asked) -> None:
        self._opened, self._ask = opened, ask

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._opened.seek(offset, whence))

    def tell(self) -> int:
        return int(self._opened.tell())

    def readinto(self, buffer: Any) -> int:
        data: bytes = self._ask(lambda: self._opened.read(len(buffer)), again=False)
        buffer[: len(data)] = data
        return len(data)
