"""The door before the page: an ASGI wrapper that opens the few addresses a visitor's browser needs, and nothing else.

Gradio brings many more (uploads, a proxy, an editor, files of the machine); none of them is open here. Who may come in
is `serving.admission`'s word. The browser is told to load nothing from anywhere but this server.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from llimba.use.serving.admission import Bodies, admit
from llimba.use.serving.asked import Refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

READ = ("/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt", "/gradio_api/queue/data",
        "/gradio_api/startup-events", "/gradio_api/app_id", "/gradio_api/theme.css", "/gradio_api/info")  # fmt: skip
READ_UNDER = ("/assets/", "/static/", "/svelte/", "/gradio_api/heartbeat/")
LONGEST_PATH = 200  # file systems raise at longer names
JOIN = "/gradio_api/queue/join"
WRITTEN = (JOIN, "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/reset/")
Value = str | float | bool | None
SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = ((b"content-security-policy", POLICY.encode()), (b"x-content-type-options", b"nosniff"),
           (b"referrer-policy", b"no-referrer"))  # fmt: skip
MOST_INSIDE = 200  # requests at once; a visitor's browser has two or three under way
DEEPEST = 64  # brackets within brackets of a request; the page sends fewer than ten


class Door:
    """The page's application behind its door; `token` None: nobody is asked for one (loopback only).

    `takes`: whether the page has a function of this number that takes these values.
    """

    def __init__(self, app: "ASGIApp", token: str | None, takes: Callable[[int, Sequence[Value]], bool]) -> None:
        self._app, self._token, self._takes = app, token, takes
        self._bodies, self._inside = Bodies(), 0

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            self._inside += 1
            try:
                await self._app(scope, await self._checked(scope, receive), _closed(send))
            except Refused as refused:
                await _refuse(refused, send)
            finally:
                self._inside -= 1
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _checked(self, scope: "Scope", receive: "Receive") -> "Receive":
        """What the page may read of the request; raises `Refused` for one that does not pass."""
        from starlette.requests import Request

        request = Request(scope, receive)
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        admit(host, request.headers.get("authorization", ""), self._token)
        if origin is not None and origin.partition("://")[2] != host:
            raise Refused("another page's questions are not answered here.", 403)
        if self._inside > MOST_INSIDE:
            raise Refused("too many visitors at once; try again soon.", 429)
        path, method = scope["path"], scope["method"]
        if len(path) > LONGEST_PATH:
            raise Refused("there is nothing at this address.", 404)
        if method in ("GET", "HEAD") and (path in READ or path.startswith(READ_UNDER)):
            return receive
        if method != "POST" or path not in WRITTEN:
            raise Refused("there is nothing at this address.", 404)
        body = await self._bodies.read(request.headers.get("content-type", ""), request.stream())
        given = _read(body)
        if path == JOIN:
            given = self._joined(given)
        return _once(json.dumps(given, ensure_ascii=False).encode(), receive)

    def _joined(self, given: dict[str, object]) -> dict[str, object]:
        """What the page's own script sends with a question, and no more.

        Gradio fetches and copies what looks like a file, wherever a value may stand: here values are plain ones.
        """
        number, session, data = given.get("fn_index"), given.get("session_hash"), given.get("data")
        plain = isinstance(data, list) and all(one is None or isinstance(one, str | float | int) for one in data)
        known = isinstance(number, int) and not isinstance(number, bool)
        right = plain and known and isinstance(session, str) and SESSION.fullmatch(session)
        if not right or not self._takes(number, data):  # type: ignore[arg-type]
            raise Refused("the request is not one that this page sends.")
        trigger = given.get("trigger_id")
        return {
            "data": data,
            "event_data": None,
            "fn_index": number,
            "trigger_id": trigger if isinstance(trigger, int) else None,
            "session_hash": session,
        }


def _read(body: bytes) -> dict[str, object]:
    """The JSON of a request; raises `Refused` where it is not what the page would send, or cannot be sent back."""
    try:
        given = json.loads(body)
        json.dumps(given, ensure_ascii=False, allow_nan=False).encode()  # half a surrogate pair, 1e999
        fits = isinstance(given, dict) and _depth(given) <= DEEPEST
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        raise Refused("the request is not the JSON that this page sends.")
    return given  # type: ignore[no-any-return]


def _once(body: bytes, receive: "Receive") -> "Receive":
    """A body that was read, to be read again."""
    read = False

    async def again() -> "Message":
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _depth(value: object) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, parts), default=0)


def _closed(send: "Send") -> "Send":
    """`send` with the headers that keep the browser at this server."""

    async def sent(message: "Message") -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
        await send(message)

    return sent


async def _refuse(refused: Refused, send: "Send") -> None:
    ask = [(b"www-authenticate", b'Basic realm="llimba", charset="UTF-8"')] if refused.status == 401 else []
    head = [(b"content-type", b"text/plain; charset=utf-8"), *ask, *HEADERS]
    await send({"type": "http.response.start", "status": refused.status, "headers": head})
    await send({"type": "http.response.body", "body": f"{refused}\n".encode()})
