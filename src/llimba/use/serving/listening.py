"""The one place where `serve` and `web` listen: uvicorn, with connections that cannot be held for nothing.

uvicorn has no limit on how long a client may take to ask or to read its answer, nor on how many may do so: a thousand
silent connections use up a process's files, and nobody else gets in. Here a connection ends that has asked nothing for
`IDLE_SECONDS` or has read nothing for `STALLED_SECONDS`; and where there are too many, the one that has waited longest
makes room. gunicorn, hypercorn and uvicorn's own options limit only what comes after a request.
"""

import asyncio
import contextlib
import logging
import resource
import socket
from typing import TYPE_CHECKING, Any

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from llimba.errors import LlimbaError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

IDLE_SECONDS = 20.0  # until a request has come, its headers whole, and between two
STALLED_SECONDS = 30.0  # for a client to take anything of an answer that is there
LOOK_SECONDS = 1.0
MOST_CONNECTIONS = 1000
FILES = 2 * MOST_CONNECTIONS  # that the process may have open
GRACE_SECONDS = 5  # for answers under way when the server ends


class Connection(H11Protocol):  # type: ignore[misc]
    """A connection that ends where nothing happens on it."""

    def connection_made(self, transport: Any) -> None:
        """Begin; the connection that has waited longest for a request makes room where there are too many."""
        super().connection_made(transport)
        self._idle_since = self._taken_at = self.loop.time()
        self._unsent = 0
        if len(self.connections) > MOST_CONNECTIONS:
            waiting = [one for one in self.connections if isinstance(one, Connection) and not one.answering]
            min(waiting, key=lambda one: one._idle_since, default=self).transport.abort()
        self._look_again = self.loop.call_later(LOOK_SECONDS, self._look)

    @property
    def answering(self) -> bool:
        """Whether a request has come whole and its answer is not finished."""
        return self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._look_again.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        if unsent == 0 or unsent < self._unsent:
            self._taken_at = now
        if unsent or self.answering:
            self._idle_since = now
        self._unsent = unsent
        reading = self.cycle is not None and not self.cycle.response_complete  # a body: it has a limit of its own
        if (not reading and now - self._idle_since > IDLE_SECONDS) or now - self._taken_at > STALLED_SECONDS:
            self.transport.abort()
        else:
            self._look_again = self.loop.call_later(LOOK_SECONDS, self._look)


def bound(host: str, port: int) -> socket.socket:
    """A socket at the address, before a model is loaded: nobody else can take it meanwhile. Raises `LlimbaError`."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        raise LlimbaError(f"{host} port {port} cannot be listened at ({error}). Choose another with --port.") from error
    return made


def server(app: "ASGIApp") -> Server:
    """A server for the application; `run(sockets=[...])` listens until it is stopped."""
    return Server(
        Config(
            app,
            http=Connection,
            ws="none",
            log_level="error",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


def listen(app: "ASGIApp", at: socket.socket) -> None:
    """Serve the application until Ctrl-C."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if most < 0 else min(FILES, most), most))
    logging.getLogger("uvicorn.error").addFilter(_worth_saying)
    with contextlib.suppress(KeyboardInterrupt):
        server(app).run(sockets=[at])


def _worth_saying(record: logging.LogRecord) -> bool:
    """Not that Ctrl-C cut off answers that were under way."""
    cut = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not cut and not record.getMessage().startswith("Cancel ")
