"""A file is fetched once, continues where it stopped, and is whole or absent; the server stands on loopback."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError, Unavailable
from llimba.stages.sources.download import downloaded

CONTENT = bytes(range(256)) * 4000


class Server(BaseHTTPRequestHandler):
    """Gives CONTENT, from the byte asked for; the first answer breaks off in the middle."""

    asked: list[str | None] = []  # noqa: RUF012

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if self.path == "/absent":
            self.send_error(404)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : len(CONTENT) // 2 if len(self.asked) == 1 else len(CONTENT)])

    def log_message(self, *args: Any) -> None:
        """Be quiet."""


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("LLIMBA_CACHE", str(tmp_path / "cache"))
    Server.asked.clear()
    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_it_goes_on_where_it_was_stopped_and_is_kept(address: str) -> None:
    with pytest.raises(Unavailable, match=r"sources\.wiki\.url: .*512,000 of 1,024,000 bytes came.*continues"):
        downloaded(f"{address}/dump.xml.bz2", "sources.wiki.url")
    path = downloaded(f"{address}/dump.xml.bz2", "sources.wiki.url")
    assert path.name == "dump.xml.bz2"
    assert path.read_bytes() == CONTENT
    assert downloaded(f"{address}/dump.xml.bz2", "sources.wiki.url") == path
    assert Server.asked == [None, "bytes=512000-"]


def test_what_is_not_there_and_what_is_no_address(address: str) -> None:
    with pytest.raises(Unavailable, match="404"):
        downloaded(f"{address}/absent", "sources.wiki.url")
    for url in ("file:///etc/passwd", "http://user:secret@example.org/x", "dump.xml"):
        with pytest.raises(StageError, match="no http") as told:
            downloaded(url, "sources.wiki.url")
        assert "secret" not in str(told.value)
