"""Who and what may come in: shared by the guard of `llimba serve` and the door of `llimba web`.

Without a token only this machine is let in, and only under its own names: a web page elsewhere that points a name of
its own at 127.0.0.1 is another host. With one, every request must carry it, as OpenAI's clients send it (Bearer) or as
browsers do after asking for a password (Basic; the user's name does not matter).
"""

import base64
import binascii
import hmac
from collections.abc import AsyncIterable

from llimba.use.serving.asked import Refused

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST_TOKEN = 16
MOST_BYTES = 2**20  # of one request


def admit(host: str, authorization: str, token: str | None) -> None:
    """Raise `Refused` (403 or 401) unless the headers `Host` and `Authorization` may pass."""
    name = host.rsplit(":", 1)[0].strip("[]")
    if token is None and name not in LOOPBACK:
        raise Refused(f"this server answers to {', '.join(LOOPBACK)} only, not to '{name}'.", 403)
    if token is not None and not hmac.compare_digest(_given(authorization), token.encode()):
        raise Refused("a token is needed: Authorization: Bearer ..., or as the password in a browser.", 401)


def _given(authorization: str) -> bytes:
    """The token in the header; empty where there is none, or none that can be read."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return value.encode() if scheme.lower() == "bearer" else b""


async def json_body(content_type: str, chunks: AsyncIterable[bytes]) -> bytes:
    """A request's body, read whole; raises `Refused` where it is not JSON by its type (415) or too large (413)."""
    if content_type.partition(";")[0].strip() != "application/json":
        raise Refused("send application/json.", 415)
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > MOST_BYTES:
            raise Refused(f"the request has more than {MOST_BYTES:,} bytes.", 413)
    return bytes(body)
