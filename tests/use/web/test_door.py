"""What the door lets through, and all that it does not."""

import asyncio
import base64
import json
from typing import Any

import pytest

from llimba.use.serving.admission import MOST_BYTES
from llimba.use.web import door
from llimba.use.web.door import Door

TOKEN = "a-token-of-this-test"
JOIN = "/gradio_api/queue/join"
ASKED = {"data": ["x"], "fn_index": 3, "session_hash": "a1-_b", "event_data": None, "trigger_id": 7}


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

    asyncio.run(Door(inside or Inside(), token, lambda number, data: number == 3)(scope, receive, send))
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
    assert through(JOIN, [b"{}"], origin="http://[")[0] == 403
    assert through(JOIN, [json.dumps(ASKED).encode()], origin="http://127.0.0.1:7860")[0] == 200


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
    inside, asked = Inside(), json.dumps({**ASKED, "request": {"a": 1}, "batched": True}).encode()
    assert through(JOIN, [asked[:9], asked[9:]], inside=inside)[0] == 200
    assert json.loads(inside.read[0]) == ASKED, "and nothing that the page does not send"
    assert through(JOIN, [b"a" * MOST_BYTES, b"a"])[0] == 413
    for broken in (
        b"{", b"[1]", b"[" * 200_000, b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", b"\xff", b'{"a": NaN}',
        b'{"a": 1e999}', b'{"a": "\\ud800"}',
    ):  # fmt: skip
        assert through(JOIN, [broken])[0] == 400, broken[:20]
    assert through(JOIN, [b"{}"], content_type="text/plain")[0] == 415
    assert through(JOIN, [], inside=inside)[0] == 400, "the browser left before the body came"
    assert len(inside.read) == 1


@pytest.mark.parametrize(
    "changes",
    [{"fn_index": 1}, {"fn_index": True}, {"fn_index": "3"}, {"fn_index": None}, {"session_hash": ""},
     {"session_hash": None}, {"session_hash": "a" * 65}, {"session_hash": "../a"}, {"data": "x"}, {"data": [["x"]]},
     {"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]}],
)  # fmt: skip
def test_only_the_pages_own_functions_and_sessions_are_asked_for(changes: dict[str, Any]) -> None:
    assert through(JOIN, [json.dumps({**ASKED, **changes}).encode()])[0] == 400


def test_names_that_no_file_has_are_not_looked_for() -> None:
    assert through("/assets/" + "a" * 300)[0] == 404


def test_more_visitors_than_there_is_room_for_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_INSIDE", 2)
    statuses: list[int] = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.1)
        await Inside()(scope, receive, send)

    page = Door(slow, None, lambda number, data: True)

    async def visit() -> None:
        async def send(message: Any) -> None:
            statuses.extend([message["status"]] if "status" in message else [])

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        await page({"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")]}, receive, send)

    async def visits(count: int) -> None:
        await asyncio.gather(*(visit() for _ in range(count)))

    asyncio.run(visits(5))
    assert sorted(statuses) == [200, 200, 429, 429, 429]
    asyncio.run(visits(1))
    assert statuses[-1] == 200
