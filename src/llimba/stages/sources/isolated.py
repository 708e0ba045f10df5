"""The parsers of HTML, EPUB, PDF and Markdown in a process of their own: one that hangs or dies costs its file.

`multiprocessing` and `concurrent.futures` can do this too, but pass serialised objects, and a
dead worker breaks the pool.
"""

import base64
import json
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import IO

from llimba.errors import StageError
from llimba.stages.sources.extracted import Extracted
from llimba.stages.sources.unsafe import Unsafe

STOPPED = 1.0  # seconds that a wait was late by: the process was not running meanwhile
SECONDS = 20.0  # that a file may take, and more for each megabyte
SECONDS_PER_MEGABYTE = {"pdf": 60.0}  # a megabyte of PDF may hold a thousand pages


def _answers(stream: IO[bytes], seconds: float) -> bool:
    """Whether there is something to read within so many seconds, not counting those in which nothing ran.

    Ctrl-Z stops the parser too: a wait that took much longer than asked for says so.
    """
    waited = 0.0
    while waited < seconds:
        asked, clock = min(1.0, seconds - waited), time.monotonic()
        if select.select([stream], [], [], asked)[0]:
            return True
        if (took := time.monotonic() - clock) < asked + STOPPED:
            waited += took
    return False


class Extractor:
    """Answers `read(kind, data)`; the process behind it is started at need, and again after it was killed."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, kind: str, data: bytes, url: str = "", keep: Sequence[str] = ()) -> Extracted:
        """What a file's content holds; `kind` is html, epub, pdf or markdown (in UTF-8), `keep` what markdown keeps.

        Raises `Unsafe` with the reason; `StageError` where a package is missing.
        """
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        request = {"kind": kind, "data": base64.b64encode(data).decode(), "url": url, "keep": list(keep)}
        limit = self._seconds + SECONDS_PER_MEGABYTE.get(kind, 5.0) * len(data) / 2**20
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            self.close()
            raise Unsafe(f"parser died: at {kind} of {len(data):,} bytes") from None
        if not _answers(process.stdout, limit):
            self.close()
            raise Unsafe(f"parser hung: more than {limit:.0f} s for {kind} of {len(data):,} bytes")
        line = process.stdout.readline()
        if not line:
            self.close()
            raise Unsafe(f"parser died: at {kind} of {len(data):,} bytes")
        answer = json.loads(line)
        if "missing" in answer:
            raise StageError(
                f"{kind} cannot be read: {answer['missing']}. Install llimba anew: pip install --upgrade llimba"
            )
        if "error" in answer:
            raise Unsafe(answer["error"])
        return Extracted(answer["text"], answer["visible"], answer["address"], tuple(answer["lost"]))

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "llimba.stages.sources.extract"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._process

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> "Extractor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
