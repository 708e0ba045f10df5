"""Connections that ask nothing, read nothing or are too many end; others are answered meanwhile. On real sockets."""

import http.client
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from llimba.errors import LlimbaError
from llimba.use.serving import listening
from llimba.use.serving.listening import bound
from tests.use.models import listening_at

ENDED: list[str] = []  # paths whose answer came to an end, well or not


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once; /endless without end, /big with 20 MB, /wait when the client leaves."""
    if scope["type"] == "lifespan":
        return
    try:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/endless":
            while True:
                await send({"type": "http.response.body", "body": b"a" * 100_000, "more_body": True})
                if (await _peek(receive)) == "http.disconnect":
                    return
        if scope["path"] == "/wait":
            while (await receive())["type"] != "http.disconnect":
                pass
        body = b"a" * 20_000_000 if scope["path"] == "/big" else b"here"
        await send({"type": "http.response.body", "body": body})
    finally:
        ENDED.append(scope["path"])


async def _peek(receive: Any) -> str:
    import anyio

    with anyio.move_on_after(0.001):
        while True:
            if (message := await receive())["type"] == "http.disconnect":
                return str(message["type"])
    return ""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    for name, seconds in (("IDLE_SECONDS", 1.0), ("STALLED_SECONDS", 1.0), ("LOOK_SECONDS", 0.1)):
        monkeypatch.setattr(listening, name, seconds)
    ENDED.clear()
    with listening_at(application) as at:
        yield at


def ask(port: int, path: str = "/") -> tuple[int, int]:
    """Status and length of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, len(answer.read())


def ends(connection: socket.socket, seconds: float = 10) -> bool:
    """Whether the server ends the connection in time."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\x16\x03\x01\x02"])
def test_who_does_not_ask_is_let_go(begun: bytes, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(begun)
        assert ends(silent)
    assert ask(port) == (200, 4)


def test_who_asks_a_letter_at_a_time_is_let_go(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as slow:
        started = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for letter in "GET / HTTP/1.1\r\nX: " + "a" * 1000:
                slow.sendall(letter.encode())
                time.sleep(0.05)
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("path", ["/big", "/endless"])
def test_who_reads_nothing_is_let_go(path: str, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as stuck:
        stuck.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        deadline = time.monotonic() + 15
        while path not in ENDED:
            assert time.monotonic() < deadline, "it waits for ever"
            time.sleep(0.05)
    assert ask(port) == (200, 4)


def test_who_reads_slowly_but_reads_is_served(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        read, slow_until = 0, time.monotonic() + 3
        while piece := slow.recv(2**20 if time.monotonic() < slow_until else 2**24):
            read += len(piece)
            time.sleep(0.2 if time.monotonic() < slow_until else 0)
    assert read > 20_000_000


def test_who_waits_for_an_answer_is_not_idle(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as waiting:
        waiting.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        assert not ends(waiting, 3)


def test_a_thousand_silent_connections_keep_nobody_out(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IDLE_SECONDS", "STALLED_SECONDS"):
        monkeypatch.setattr(listening, name, 600.0)
    monkeypatch.setattr(listening, "MOST_CONNECTIONS", 400)
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4000, most) if most > 0 else 4000, most))
    try:
        with ExitStack() as stack:
            held = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(1000)]
            answers = [ask(port) for _ in range(20)]
            assert answers == [(200, 4)] * 20
            assert ends(held[0], 5), "the one that has waited longest made room"
            assert not ends(held[-1], 0.2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


def test_a_port_that_is_taken_is_said_and_one_that_is_ours_cannot_be_taken() -> None:
    with bound("127.0.0.1", 0) as ours:
        taken = ours.getsockname()[1]
        ours.listen()
        with pytest.raises(LlimbaError, match=f"127.0.0.1 port {taken} cannot be listened at.*--port"):
            bound("127.0.0.1", taken)
    with pytest.raises(LlimbaError, match="cannot be listened at"):
        bound("no-such-host.invalid", 1)


def test_ctrl_c_ends_with_an_answer_under_way_and_no_traceback() -> None:
    code = (
        "from llimba.use.serving import listening\nfrom tests.use.serving.test_listening import application\n"
        "listening.GRACE_SECONDS = 1\nat = listening.bound('127.0.0.1', 0)\n"
        "print(at.getsockname()[1], flush=True)\nlistening.listen(application, at)\nprint('ended')"
    )
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert run.stdout is not None
        port = int(run.stdout.readline())
        with _connected(port) as waiting:
            waiting.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            waiting.recv(1)
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=20)
    finally:
        run.kill()
    assert (run.returncode, out.strip()) == (0, "ended")
    assert "Traceback" not in err


def _connected(port: int) -> socket.socket:
    """A connection to a port that is bound and will soon be listened at."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_many_at_once_are_answered(port: int) -> None:
    answers: list[tuple[int, int]] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(port))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(200, 4)] * 50
