"""The server behind the guard: `transformers serve`, or vLLM where it is installed, as a process on loopback."""

import logging
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

from llimba.errors import LlimbaError

logger = logging.getLogger(__name__)

ENGINES = ("transformers", "vllm")
START_SECONDS = 600  # a large model takes minutes to load
# An engine whose llimba was killed ends by itself: nobody would ever stop it, and it holds the model in memory.
WATCH = """
import os, threading, time
def watch(parent):
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()
"""
TRANSFORMERS = "from transformers.cli.transformers import main; main()"
VLLM = "from vllm.entrypoints.cli.main import main; main()"


def choose(engine: str) -> tuple[str, str]:
    """The engine to start and why; "auto" prefers vLLM, which serves many at once. Raises `LlimbaError` if missing."""
    why = "as --engine says"
    if engine == "auto":
        there = find_spec("vllm") is not None
        engine, why = ("vllm", "vLLM is installed") if there else ("transformers", "vLLM is not installed")
    if engine not in ENGINES:
        raise LlimbaError(f"serve: there is no engine {engine}; there are auto, {', '.join(ENGINES)}.")
    if engine == "vllm" and not find_spec("vllm"):
        raise LlimbaError("serve: the engine vllm is not installed. Install it: pip install vllm (it needs a GPU).")
    if missing := [name for name in ("fastapi", "uvicorn", "openai", "aiohttp") if not find_spec(name)]:
        raise LlimbaError(f"serve: {', '.join(missing)} is missing. Install it: pip install 'llimba[serve]'.")
    return engine, why


class Engine:
    """Runs while the block runs; `url` is where it answers, `model` what it calls its model."""

    def __init__(self, engine: str, folder: Path) -> None:
        self.name, self.model = engine, str(folder.resolve())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        program, more = (VLLM, []) if engine == "vllm" else (TRANSFORMERS, ["--log-level", "error"])
        place = ["--host", "127.0.0.1", "--port", str(port)]
        self._command = [sys.executable, "-c", WATCH + program, "serve", self.model, *place, *more]
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> "Engine":
        self._process = subprocess.Popen(
            self._command, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True
        )
        logger.info("%s loads %s", self.name, self.model)
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process is not None and self._process.poll() is None

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.alive:
                raise LlimbaError(f"serve: {self.name} ended while it loaded the model. It said last:\n{self._last()}")
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise LlimbaError(f"serve: {self.name} did not answer within {START_SECONDS} s. It said last:\n{self._last()}")

    def _last(self) -> str:
        self._log.seek(0)
        return "\n".join(self._log.read().decode(errors="replace").strip().splitlines()[-5:])

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
