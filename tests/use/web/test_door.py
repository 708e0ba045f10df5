"""What the door lets through, and all that it does not."""

import asyncio
import base64
import json
from typing import Any

import pytest

from llimba.use.serving.admission import MOST_BYTES
from llimba.use.web.door import Door

TOKEN = "a-token-of-this-test"
JOIN = "/gradio_api/queue/join"


class Inside:
    """Stands for the page: answers 200 and keeps what it read."""

    def __init__(self) -> None:
        self.read: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            self.read.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})


def through(
    path: str, body: list[bytes] | None = None, token: str | None = None, inside: Inside | None = None, **headers: str
) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to a request."""
    given = {"host": "127.0.0.1:7860", "content_type": "application/json", **headers}
    method = "GET" if body is None else "POST"
    pairs = [(key.replace("_", "-").encode(), value.encode()) for key, value in given.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": pairs}
    parts = [b""] if body is None else body
    more = [True] * (len(parts) - 1) + [False]
    messages: list[Any] = [
        {"type": "http.request", "body": p, "more_body": m} for p, m in zip(parts, more, strict=False)
    ]
    messages.append({"type": "http.disconnect"})
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Door(inside or Inside(), token)(scope, receive, send))
    return sent[0]["status"], {key.decode(): value.decode() for key, value in sent[0]["headers"]}


@pytest.mark.parametrize("path", ["/", "/assets/index.js", "/gradio_api/queue/data", "/theme.css", "/config"])
def test_what_a_browser_needs_is_open(path: str) -> None:
    status, headers = through(path)
    assert status == 200
    assert "connect-src 'self'" in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/upload", "/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://example.org", "/monitoring",
     "/gradio_api/vibe-code", "/gradio_api/run/ask", "/gradio_api/call/ask", "/docs", "/openapi.json", "/login"],
)  # fmt: skip
def test_everything_else_is_closed(path: str) -> None:
    assert through(path)[0] == 404
    assert through(path, [b"{}"])[0] == 404


def test_other_hosts_and_other_pages_are_refused() -> None:
    assert through("/", host="evil.example")[0] == 403
    assert through("/", host="localhost:7860")[0] == 200
    assert through(JOIN, [b"{}"], origin="http://evil.example")[0] == 403
    assert through(JOIN, [b"{}"], origin="null")[0] == 403
    assert through(JOIN, [b"{}"], origin="http://127.0.0.1:7860")[0] == 200


def test_a_token_is_asked_for_as_a_password() -> None:
    status, headers = through("/", token=TOKEN, host="page.example")
    assert status == 401
    assert headers["www-authenticate"].startswith("Basic")
    for user in ("llimba", "", "an:other"):
        basic = base64.b64encode(f"{user}:{TOKEN}".encode()).decode()
        assert through("/", token=TOKEN, host="page.example", authorization=f"Basic {basic}")[0] == (
            401 if ":" in user else 200
        )
    for wrong in ("Basic !!!", "Basic " + base64.b64encode(b"llimba:wrong").decode(), f"Token {TOKEN}", "Basic é"):
        assert through("/", token=TOKEN, authorization=wrong)[0] == 401
    assert through("/assets/a.js", token=TOKEN)[0] == 401, "nothing is open without it"


def test_bodies_are_read_whole_and_looked_at() -> None:
    inside = Inside()
    assert through(JOIN, [b'{"data": ', b"[1]}"], inside=inside)[0] == 200
    assert json.loads(inside.read[0]) == {"data": [1]}
    assert through(JOIN, [b"a" * MOST_BYTES, b"a"])[0] == 413
    for broken in (b"{", b"[1]", b"[" * 200_000, b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", b"\xff"):
        assert through(JOIN, [broken])[0] == 400, broken[:20]
    assert through(JOIN, [b"{}"], content_type="text/plain")[0] == 415
    assert through(JOIN, [], inside=inside)[0] == 400, "the browser left before the body came"
    assert len(inside.read) == 1
