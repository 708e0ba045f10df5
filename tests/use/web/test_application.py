"""The real page behind its door: hostile requests are refused, and it lives."""

import http.client
import json
from importlib import util
from urllib.parse import urlsplit

import pytest

from llimba.errors import LlimbaError
from llimba.use.web.application import check_installed
from tests.use.web.conftest import generating, until


def ask(url: str, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read(2_000_000).decode(errors="replace")
    except (BrokenPipeError, ConnectionResetError):  # refused while the body was still on its way
        return 413, "closed"
    finally:
        connection.close()


def test_the_page_is_there_and_asks_nobody(url: str) -> None:
    status, page = ask(url, "GET", "/")
    assert status == 200
    assert "fonts.googleapis" not in page
    config = json.loads(ask(url, "GET", "/config")[1])
    assert config["analytics_enabled"] is False
    assert "Tiny &lt;b&gt;" in json.dumps(config)
    assert ask(url, "GET", "/gradio_api/file=" + __file__)[0] == 404
    assert ask(url, "POST", "/gradio_api/upload", b"{}")[0] == 404


def test_hostile_requests_are_refused_and_the_page_lives(url: str) -> None:
    config = json.loads(ask(url, "GET", "/config")[1])
    join = "/gradio_api/queue/join"
    for number in [one["id"] for one in config["dependencies"]] + [10**9, -1]:
        for data in ([], [None] * 9, ["a" * 300_000] * 3, [{"path": "/etc/passwd"}] * 6, "text", [1e308] * 9):
            body = {"data": data, "fn_index": number, "session_hash": "hostile", "event_data": {"a": 1}}
            assert ask(url, "POST", join, json.dumps(body).encode())[0] < 600
    assert ask(url, "POST", join, b'{"data": ' * 1000)[0] == 400
    assert ask(url, "POST", join, b'"' + b"a" * 3 * 2**20 + b'"')[0] == 413
    assert ask(url, "POST", join, b"{}")[0] in (400, 422)
    until(lambda: not generating())
    assert ask(url, "GET", "/")[0] == 200


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = util.find_spec
    monkeypatch.setattr("llimba.use.web.application.find_spec", lambda name: None if name == "gradio" else found(name))
    with pytest.raises(LlimbaError, match=r"gradio is missing. Install it: pip install 'llimba\[web\]'"):
        check_installed()
