"""Chat templates, rendered where they can do no harm: a model folder may come from anybody.

transformers renders in a sandbox without access to the machine, but a sandbox does not stop `{{ 'a' * 300000000 }}`,
and a template that behaves when it is tried out may misbehave later. So every conversation, in training and in use
alike, is rendered by transformers in a process of its own (`template_process.py`) with little memory and time. One that
dies costs its conversation; the next is rendered by a new one. A call takes 0.3 ms.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llimba.errors import LlimbaError, StageError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROGRAM = Path(__file__).parent / "template_process.py"
STARTING_SECONDS, WAITING_SECONDS = 120.0, 60.0  # of wall clock; the process has a limit of its own, in processor time
LONGEST = 100_000  # characters that a conversation may become, and so many for each of its own:
TIMES = 16
LONGEST_TEMPLATE = 500_000  # characters; the longest in use have 20,000
KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "HOME", "TZ", "LANG", "LC_ALL")  # of the environment


class TemplateRefused(LlimbaError):
    """The chat template cannot render a conversation; the message says what the template says."""


class TemplateUnsafe(StageError):
    """The chat template uses up memory or time, or writes without end."""


class Rendered(NamedTuple):
    """A conversation as a template writes it, and start and end of what its `{% generation %}` marks."""

    text: str
    marks: list[tuple[int, int]]


class Renderer:
    """Renders conversations in a process, which is started at need, and again after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process without waiting for it: it takes two seconds, in which others can load a model."""
        with self._lock:
            self._running()

    def render(
        self,
        template: str,
        messages: Sequence[Mapping[str, str]],
        variables: Mapping[str, object],
        *,
        opening: bool = False,
        marked: bool = False,
    ) -> Rendered:
        """The conversation, up to where an answer begins where `opening`; `variables`: special tokens and the like.

        Raises `TemplateRefused`, `TemplateUnsafe`; `StageError` where the process does not start.
        """
        if len(template) > LONGEST_TEMPLATE:
            raise TemplateUnsafe(f"the chat template has {len(template):,} characters; none needs so many.")
        limit = LONGEST + TIMES * sum(len(message["content"]) for message in messages)
        request = {
            "template": template, "messages": [dict(message) for message in messages], "variables": dict(variables),
            "opening": opening, "marked": marked, "limit": limit,
        }  # fmt: skip
        with self._lock:
            answer = json.loads(self._asked(json.dumps(request).encode() + b"\n"))
        if "refused" in answer:
            raise TemplateRefused(f"the chat template refuses the conversation: {answer['refused']}")
        if "unsafe" in answer:
            raise TemplateUnsafe(f"the chat template {answer['unsafe']}.")
        return Rendered(answer["text"], [(start, end) for start, end in answer["marks"]])

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def forget(self) -> None:
        """Leave the process to the one that forked this one; two cannot talk to it."""
        self._process, self._lock = None, threading.Lock()

    def _asked(self, request: bytes) -> bytes:
        """The answer to a request, a line each; the process ends where anything goes wrong."""
        process = self._running()
        try:
            if not self._ready and _exchanged(process, b"", STARTING_SECONDS) is None:
                raise StageError(
                    "the process that renders chat templates does not start; most likely the machine is out of memory."
                )
            self._ready = True
            line = _exchanged(process, request, WAITING_SECONDS)
            if line is None:
                code = process.wait(WAITING_SECONDS)
                ended = "takes too long" if code == -signal.SIGXCPU else f"ends its process, status {code}"
                raise TemplateUnsafe(f"the chat template uses up its memory or time ({ended}).")
        except BaseException:  # Ctrl-C too: an answer that nobody read would be taken for the next one's
            self.close()
            raise
        return line

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._ready = False
            kept = {key: os.environ[key] for key in KEPT if key in os.environ}
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**kept, "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
            )
        return self._process


def _exchanged(process: "subprocess.Popen[bytes]", request: bytes, seconds: float) -> bytes | None:
    """Write a line, read a line; None where the process ended. Raises `TemplateUnsafe` where it takes too long."""
    assert process.stdin is not None and process.stdout is not None
    into, out, deadline = process.stdin.fileno(), process.stdout.fileno(), time.monotonic() + seconds
    os.set_blocking(into, False)
    pending, answer = memoryview(request), bytearray()
    while not answer.endswith(b"\n"):
        left = deadline - time.monotonic()
        readable, writable, _ = select.select([out], [into] if pending else [], [], max(left, 0))
        if not readable and not writable:
            raise TemplateUnsafe(f"the chat template was not rendered within {seconds:.0f} s.")
        if writable:
            try:
                pending = pending[os.write(into, pending[: 2**16]) :]
            except BrokenPipeError:
                return None
        if readable:
            if not (piece := os.read(out, 2**20)):
                return None
            answer += piece
    return bytes(answer)


RENDERER = Renderer()
os.register_at_fork(after_in_child=RENDERER.forget)
atexit.register(RENDERER.close)


def check_template(folder: Path, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raise `StageError` where the folder's model has no chat template, or one that fails at first sight.

    That spares people the wait for a model to load; what a template does later is caught when it does it.
    """
    template = tokenizer.chat_template
    if not isinstance(template, str):
        raise StageError(f"{folder}: the tokenizer has no chat template, so it is no model to talk to.")
    turns = [{"role": role, "content": content} for role, content in (("user", "a"), ("assistant", "b"), ("user", "c"))]
    try:
        RENDERER.render(template, turns, tokenizer.special_tokens_map, opening=True)
    except TemplateRefused as error:
        said = str(error).partition(": ")[2]
        raise _refused(folder, f"the chat template cannot be rendered ({said}).") from error
    except TemplateUnsafe as error:
        raise _refused(folder, str(error)) from error


def _refused(folder: Path, why: str) -> StageError:
    return StageError(f"{folder}: {why} Do not use this folder, or fix its chat_template.jinja.")
