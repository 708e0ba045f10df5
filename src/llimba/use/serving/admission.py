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
MOST_HELD = 64 * 2**20  # of all that are on their way
BODY_SECONDS = 20  # for a request to arrive


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
    return value.encode("latin-1", "replace") if scheme.lower() == "bearer" else b""  # as it came


class Bodies:
    """Reads requests' bodies; of all that are being read no more than `MOST_HELD` bytes are kept at once."""

    def __init__(self) -> None:
        self._held = 0

    async def read(self, content_type: str, chunks: AsyncIterable[bytes]) -> bytes:
        """A body that is JSON by its type (else 415), not too large (413), and whole within `BODY_SECONDS` (408).

        Raises `Refused` with that status, or 429 where too much is being read.
        """
        import anyio
        from starlette.requests import ClientDisconnect

        if content_type.partition(";")[0].strip() != "application/json":
            raise Refused("send application/json.", 415)
        body = bytearray()
        try:
            with anyio.fail_after(BODY_SECONDS):
                async for chunk in chunks:
                    body += chunk
                    self._held += len(chunk)
                    if len(body) > MOST_BYTES:
                        raise Refused(f"the request has more than {MOST_BYTES:,} bytes.", 413)
                    if self._held > MOST_HELD:
                        raise Refused("too many requests at once; try again soon.", 429)
        except TimeoutError:
            raise Refused(f"the request did not arrive within {BODY_SECONDS} s.", 408) from None
        except ClientDisconnect:
            raise Refused("the request ended early.") from None
        finally:
            self._held -= len(body)
        return bytes(body)
