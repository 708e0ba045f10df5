"""A file is fetched once, continues where it stopped if it is the same, and is whole or absent; servers on loopback."""

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError, Unavailable
from llimba.stages.sources import download
from llimba.stages.sources.download import downloaded

CONTENT = bytes(range(256)) * 4000
KEY = "sources.wiki.url"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """Answers each request as the next of `answers` does, the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str | None, str | None]] = []  # Range and If-Range
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append((self.headers["Range"], self.headers["If-Range"]))
                self.close_connection = True
                site.answers[min(len(site.asked), len(site.answers)) - 1](self)

            def log_message(self, *args: Any) -> None:
                """Be quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/dump.xml.bz2"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("LLIMBA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "PAUSE", 0.01)
    made = Site()
    yield made
    made.server.shutdown()


def cut(sent: Any) -> None:
    """The connection is reset, as a router does it."""
    sent.wfile.flush()
    sent.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sent.connection.close()


def serve(content: bytes = CONTENT, etag: str = '"a"', ends: float = 1, reset: bool = False, **headers: str) -> Answer:
    """An honest server, of whose answer only the first part arrives."""

    def answer(sent: BaseHTTPRequestHandler) -> None:
        wanted = sent.headers["Range"]
        start = int(wanted[6:-1]) if wanted and sent.headers["If-Range"] in (etag, None) else 0
        if start >= len(content):
            sent.send_response(416)
            sent.send_header("Content-Range", f"bytes */{len(content)}")
            sent.end_headers()
            return
        sent.send_response(206 if start else 200)
        if start:
            sent.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if etag:
            sent.send_header("ETag", etag)
        for name, value in headers.items():
            sent.send_header(name.replace("_", "-"), value)
        sent.send_header("Content-Length", str(len(content) - start))
        sent.end_headers()
        sent.wfile.write(content[start : start + int((len(content) - start) * ends)])
        if reset:
            cut(sent)

    return answer


def status(code: int, **headers: str) -> Answer:
    def answer(sent: BaseHTTPRequestHandler) -> None:
        sent.send_response(code)
        for name, value in headers.items():
            sent.send_header(name.replace("_", "-"), value)
        sent.end_headers()

    return answer


@pytest.mark.parametrize("reset", [False, True])
def test_what_breaks_off_is_continued_by_itself_and_kept(site: Site, reset: bool) -> None:
    site.answers = [serve(ends=0.5, reset=reset), serve(ends=0.5), serve()]
    path = downloaded(site.url, KEY)
    assert path.read_bytes() == CONTENT
    assert downloaded(site.url, KEY) == path
    assert [wanted is None for wanted, _ in site.asked] == [True, False, False]
    assert {validator for _, validator in site.asked[1:]} == {'"a"'}
    assert sorted(file.name for file in path.parent.iterdir() if file.suffix != ".lock") == [path.name]


def test_a_stopped_run_continues(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "MOST_TRIES", 1)
    site.answers = [serve(ends=0.5), serve()]
    with pytest.raises(Unavailable, match=r"sources\.wiki\.url: .*512,000 of 1,024,000 bytes came.*continues"):
        downloaded(site.url, KEY)
    assert downloaded(site.url, KEY).read_bytes() == CONTENT
    assert site.asked[1] == ("bytes=512000-", '"a"')


@pytest.mark.parametrize("new", [b"NEW" * 100, b"NEW" * 1_000_000])
@pytest.mark.parametrize("ignores", [False, True])
def test_another_file_at_the_same_address_is_never_mixed_in(site: Site, new: bytes, ignores: bool) -> None:
    def changed(sent: BaseHTTPRequestHandler) -> None:
        """A server that does not know If-Range gives a part of the new file."""
        if ignores:
            del sent.headers["If-Range"]
        serve(new, '"b"')(sent)

    site.answers = [serve(ends=0.5), changed]
    assert downloaded(site.url, KEY).read_bytes() == new


def test_without_a_validator_it_starts_again(site: Site) -> None:
    site.answers = [serve(etag="", ends=0.5), serve(etag="")]
    assert downloaded(site.url, KEY).read_bytes() == CONTENT
    assert site.asked == [(None, None), (None, None)]
    weak = serve(etag='W/"a"', ends=0.5, Last_Modified="Wed, 25 Nov 2026 10:00:00 GMT")
    other = Site()
    other.answers = [weak, serve(etag="Wed, 25 Nov 2026 10:00:00 GMT")]
    assert downloaded(other.url, KEY).read_bytes() == CONTENT
    assert other.asked[1] == ("bytes=512000-", "Wed, 25 Nov 2026 10:00:00 GMT")


def test_a_part_that_was_whole_already_is_taken(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.answers = [serve()]
    replaced = download.os.replace
    monkeypatch.setattr(download.os, "replace", lambda *paths: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        downloaded(site.url, KEY)
    monkeypatch.setattr(download.os, "replace", replaced)
    assert downloaded(site.url, KEY).read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_a_chunked_answer_that_is_cut_is_no_whole_file(site: Site) -> None:
    def chunked(*pieces: bytes) -> Answer:
        def answer(sent: BaseHTTPRequestHandler) -> None:
            sent.send_response(200)
            sent.send_header("Transfer-Encoding", "chunked")
            sent.end_headers()
            sent.wfile.write(b"".join(pieces))

        return answer

    site.answers = [chunked(b"64\r\nabc"), chunked(b"3\r\nabc\r\n"), chunked(b"3\r\nabc\r\n0\r\n\r\n")]
    assert downloaded(site.url, KEY).read_bytes() == b"abc"
    assert len(site.asked) == 3


def test_a_busy_server_is_asked_again_and_a_dead_one_a_few_times(site: Site) -> None:
    site.answers = [status(503, Retry_After="0"), status(429), serve()]
    assert downloaded(site.url, KEY).read_bytes() == CONTENT
    dead = Site()
    dead.answers = [status(503)]
    with pytest.raises(Unavailable, match=r"HTTP 503 Service Unavailable; tried 5 times"):
        downloaded(dead.url, KEY)
    assert len(dead.asked) == 5
    dead.server.shutdown()
    dead.server.server_close()
    with pytest.raises(Unavailable, match=r"Connection refused; tried 5 times"):
        downloaded(dead.url, KEY)


def test_a_line_that_drips_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SECONDS", 0.3)

    def drip(sent: BaseHTTPRequestHandler) -> None:
        sent.send_response(200)
        sent.send_header("ETag", '"a"')
        sent.send_header("Content-Length", str(len(CONTENT)))
        sent.end_headers()
        stop = threading.Event()
        for at in range(10):
            sent.wfile.write(CONTENT[at : at + 1])
            stop.wait(0.1)

    site.answers = [drip, serve()]
    assert downloaded(site.url, KEY).read_bytes() == CONTENT
    assert 1 <= int((site.asked[1][0] or "")[6:-1]) <= 9  # what had come is not asked for again


def test_a_full_disk_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.answers = [serve()]
    with monkeypatch.context() as patched:
        patched.setattr(download.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
        with pytest.raises(StageError, match=r"sources\.wiki\.url: the disk is full, .* LLIMBA_CACHE"):
            downloaded(site.url, KEY)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(download, "_copy", full)
        with pytest.raises(StageError, match="the disk is full"):
            downloaded(site.url, KEY)
    assert downloaded(site.url, KEY).read_bytes() == CONTENT


def test_a_proxy_serves_others_and_never_this_machine(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Site()
    proxy.answers = [serve(b"from the proxy")]
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url.removesuffix("/dump.xml.bz2"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    site.answers = [serve()]
    assert downloaded(site.url, KEY).read_bytes() == CONTENT
    assert not proxy.asked
    assert downloaded("http://dumps.example.org/x", KEY).read_bytes() == b"from the proxy"


def test_what_is_not_there_and_what_is_no_address(site: Site) -> None:
    site.answers = [status(404)]
    with pytest.raises(Unavailable, match="404"):
        downloaded(site.url, KEY)
    assert len(site.asked) == 1
    for url in ("file:///etc/passwd", "http://user:secret@example.org/x", "dump.xml"):
        with pytest.raises(StageError, match="no http") as told:
            downloaded(url, KEY)
        assert "secret" not in str(told.value)
