"""Which engine is started, and what is said where it cannot be."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from llimba.cli.serve import _end
from llimba.errors import LlimbaError
from llimba.use.serving import engine
from llimba.use.serving.engine import WATCH, Engine, choose


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LlimbaError, match="there is no engine ollama"):
        choose("ollama")
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(LlimbaError, match="vllm is not installed"):
        choose("vllm")
    with pytest.raises(LlimbaError, match=r"fastapi, uvicorn, openai, aiohttp is missing.*llimba\[serve\]"):
        choose("auto")


def test_vllm_is_preferred_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: object())
    assert choose("auto") == ("vllm", "vLLM is installed")
    assert choose("transformers") == ("transformers", "as --engine says")
    monkeypatch.setattr(engine, "find_spec", lambda name: None if name == "vllm" else object())
    assert choose("auto") == ("transformers", "vLLM is not installed")


@pytest.mark.skipif(not find_spec("fastapi"), reason="needs llimba[serve]")
def test_an_engine_that_ends_says_why(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "none such"}')
    running = Engine("transformers", tmp_path)
    with (
        pytest.raises(LlimbaError, match=r"ended while it loaded the model. It said last:\n[\s\S]*ValueError"),
        running,
    ):
        pass
    assert not running.alive


def test_an_engine_is_stopped_when_llimba_is(tmp_path: Path) -> None:
    (tmp_path / "health").write_text("ok")
    running = Engine("transformers", tmp_path)
    port = running.url.rpartition(":")[2]
    running._command = [sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1", "-d", str(tmp_path)]
    with pytest.raises(SystemExit) as ended, running:
        assert running.alive
        _end(signal.SIGTERM, None)
    assert ended.value.code == 143
    assert not running.alive


def test_an_engine_whose_llimba_was_killed_ends_by_itself() -> None:
    child = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {WATCH + 'time.sleep(600)'!r}])"
    command = [sys.executable, "-c", f"{child}; print(p.pid, flush=True); p.wait()"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        engine = int(process.stdout.readline())
        time.sleep(0.5)  # it must have seen its parent
        process.kill()
    assert eventually(lambda: not lives(engine)), "the engine lives on"


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.exists() and "zombie" in status.read_text())


def eventually(true: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
