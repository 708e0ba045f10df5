"""The door before the page: an ASGI wrapper that opens the few addresses a visitor's browser needs, and nothing else.

Gradio brings many more (uploads, a proxy, an editor, files of the machine); none of them is open here. Who may come in
is `serving.admission`'s word. The browser is told to load nothing from anywhere but this server.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from llimba.use.serving.admission import admit
from llimba.use.serving.asked import Refused
from llimba.use.serving.guard import MOST_BYTES

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

READ = ("/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt", "/gradio_api/queue/data",
        "/gradio_api/startup-events", "/gradio_api/app_id", "/gradio_api/theme.css", "/gradio_api/info")  # fmt: skip
READ_UNDER = ("/assets/", "/static/", "/svelte/", "/gradio_api/heartbeat/")
WRITTEN = ("/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/reset/")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = ((b"content-security-policy", POLICY.encode()), (b"x-content-type-options", b"nosniff"),
           (b"referrer-policy", b"no-referrer"))  # fmt: skip
DEEPEST = 64  # brackets within brackets of a request; the page sends fewer than ten


class Door:
    """The page's application behind its door; `token` None: nobody is asked for one (loopback only)."""

    def __init__(self, app: App, token: str | None) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            try:
                await self._app(scope, await self._checked(scope, receive), _closed(send))
            except Refused as refused:
                await _refuse(refused, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """What the page may read of the request; raises `Refused` for one that does not pass."""
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        host = headers.get("host", "")
        admit(host, headers.get("authorization", ""), self._token)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Refused("another page's questions are not answered here.", 403)
        path, method = scope["path"], scope["method"]
        if method in ("GET", "HEAD") and (path in READ or path.startswith(READ_UNDER)):
            return receive
        if method != "POST" or path not in WRITTEN:
            raise Refused("there is nothing at this address.", 404)
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refused("send application/json.", 415)
        return await _whole(receive)


async def _whole(receive: Receive) -> Receive:
    """The body, read whole and looked at; raises `Refused` where it is too much, or not what the page would send."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused("the request ended early.")
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise Refused(f"the request has more than {MOST_BYTES:,} bytes.", 413)
        if not message.get("more_body"):
            break
    try:
        given = json.loads(body)
        fits = isinstance(given, dict) and _depth(given) <= DEEPEST
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        raise Refused("the request is not the JSON that this page sends.")
    read = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return again


def _depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, parts), default=0)


def _closed(send: Send) -> Send:
    """`send` with the headers that keep the browser at this server."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
        await send(message)

    return sent


async def _refuse(refused: Refused, send: Send) -> None:
    ask = [(b"www-authenticate", b'Basic realm="llimba", charset="UTF-8"')] if refused.status == 401 else []
    head = [(b"content-type", b"text/plain; charset=utf-8"), *ask, *HEADERS]
    await send({"type": "http.response.start", "status": refused.status, "headers": head})
    await send({"type": "http.response.body", "body": f"{refused}\n".encode()})
