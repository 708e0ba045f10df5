"""The real page against visitors who mean harm: files of the machine, odd values, floods, a thousand connections."""

import http.client
import json
import random
import socket
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.use.web.conftest import generating, until
from tests.use.web.test_application import ask

JOIN = "/gradio_api/queue/join"
CLIMBING = [
    "/gradio_api/file={}", "/file={}", "/gradio_api/file%3D{}", "//gradio_api/file={}", "/assets/{}", "/static/{}",
    "/svelte/{}", "/assets/../../../../../../../../../..{}", "/assets/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..{}",
    "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e{}", "/assets/..%5c..%5c{}", "/assets/%00{}",
    "/gradio_api/heartbeat/../file={}", "/assets/../gradio_api/file={}", "/svelte/..;/gradio_api/file={}",
]  # fmt: skip
ODD: list[Any] = [
    None, "", 0, -1, 1e308, True, [], {}, "a" * 3000, "\x00", "sc", "xx", "../../etc", "<script>", 10**30, [["a"]],
    {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, {"__type__": "update", "value": "x"},
    {"url": "http://127.0.0.1:1/x", "meta": {"_type": "gradio.FileData"}}, "a = b\n" * 500,
]  # fmt: skip


def page_of(url: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(ask(url, "GET", "/config")[1])
    return config


@pytest.mark.parametrize("path", CLIMBING)
def test_no_file_of_the_machine_comes_out(path: str, url: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret of this machine")
    status, text = ask(url, "GET", path.format(secret))
    assert "a secret of this machine" not in text
    assert status in (400, 403, 404)


@pytest.mark.parametrize("shape", ["bare", "listed"])
def test_a_path_among_the_values_copies_no_file(
    shape: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gradio copies what a value calls a file into a folder that it serves, in whatever component it stands."""
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret of this machine")
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    before = _copied()
    for one in page_of(url)["dependencies"]:
        data: list[Any] = [file if shape == "bare" else [file]] * len(one["inputs"])
        body = {"data": data, "fn_index": one["id"], "session_hash": "thief", "event_data": file}
        assert ask(url, "POST", JOIN, json.dumps(body).encode())[0] in (200, 400)
    time.sleep(0.5)
    assert _copied() == before


def _copied() -> set[Path]:
    from gradio.utils import get_upload_folder

    return {path for path in Path(get_upload_folder()).rglob("*") if path.name == "secret.txt"}


def test_odd_values_end_in_a_status_and_never_in_a_traceback(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    config, chance = page_of(url), random.Random(1)
    kinds = {one["id"]: one["type"] for one in config["components"]}
    usual = {"state": None, "textbox": "Salude", "slider": 0.5, "radio": "en", "dropdown": "sc", "checkbox": False}
    capfd.readouterr()
    statuses: Counter[int] = Counter()
    for _ in range(300):
        one = chance.choice(config["dependencies"])
        data = [usual.get(kinds[i], "x") if chance.random() < 0.7 else chance.choice(ODD) for i in one["inputs"]]
        body: dict[str, Any] = {"data": data, "fn_index": one["id"], "session_hash": "s1", "event_data": None}
        if chance.random() < 0.4:
            key = chance.choice([*body, "batched", "simple_format", "request", "event_id", "trigger_id"])
            body[key] = chance.choice(ODD)
        statuses[ask(url, "POST", JOIN, json.dumps(body).encode())[0]] += 1
        for path in ("/gradio_api/cancel", "/gradio_api/reset"):
            named = {"session_hash": "s1", "event_id": chance.choice(ODD), "fn_index": chance.choice(ODD)}
            statuses[ask(url, "POST", path, json.dumps(named).encode())[0]] += 1
    assert statuses[200] > 5 and statuses[400] > 50
    assert set(statuses) <= {200, 400, 404, 422, 503}, statuses
    until(lambda: not generating(), 120)
    assert ask(url, "GET", "/")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_flooded_queue_says_so_and_is_empty_again_when_it_was_left(url: str) -> None:
    config = page_of(url)
    asks = next(one["id"] for one in config["dependencies"] if len(one["inputs"]) == 5)
    sessions = [socket.create_connection(urlsplit(url).netloc.split(":")) for _ in range(40)]  # type: ignore[arg-type]
    statuses = Counter[int]()
    with ExitStack() as stack:
        for number, session in enumerate(sessions):
            stack.enter_context(session)
            body = {"data": [None, "Salude", "", 0.0, "en"], "fn_index": asks, "session_hash": f"flood{number}"}
            statuses[ask(url, "POST", JOIN, json.dumps(body).encode())[0]] += 1
            session.sendall(
                f"GET /gradio_api/queue/data?session_hash=flood{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
            )
        assert statuses[503] >= 20 and statuses[200] >= 1, statuses
        assert ask(url, "GET", "/")[0] == 200
    until(lambda: not generating(), 60)
    body = {"data": [None, "Salude", "", 0.0, "en"], "fn_index": asks, "session_hash": "after"}
    until(lambda: ask(url, "POST", JOIN, json.dumps(body).encode())[0] == 200, 60)
    ask(url, "POST", "/gradio_api/reset", b"{}")


def test_a_thousand_connections_keep_no_visitor_out(url: str) -> None:
    host, port = urlsplit(url).netloc.split(":")
    with ExitStack() as stack:
        for number in range(900):
            held = stack.enter_context(socket.create_connection((host, int(port))))
            if number % 3 == 0:
                held.sendall(b"GET /gradio_api/queue/data?session_hash=none HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            if number % 3 == 1:
                held.sendall(b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n")
        started = time.monotonic()
        assert until(lambda: ask(url, "GET", "/")[0] == 200, 20)
        assert time.monotonic() - started < 20


def test_a_name_given_by_a_proxy_is_not_a_way_in(url: str) -> None:
    for header in ("X-Forwarded-Host", "X-Forwarded-For", "Forwarded", "X-Real-IP"):
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.request("GET", "/", headers={"Host": "evil.example", header: "127.0.0.1"})
        assert connection.getresponse().status == 403
        connection.close()
