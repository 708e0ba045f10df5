"""One large file from a web address into llimba's cache: continues where it stopped, whole or absent at its place.

A part is continued only where the server's ETag or date says that it is of the same file (If-Range), as a dump keeps
its address while it changes. What breaks off is tried again, with pauses. pooch and fsspec fetch and cache files too,
but start again after a stop, and a dump of Wikipedia takes an hour.
"""

import errno
import hashlib
import http.client
import ipaddress
import json
import logging
import os
import shutil
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from filelock import FileLock

from llimba import progress
from llimba.errors import StageError, Unavailable
from llimba.files import file_name, write_json
from llimba.packages import cache_folder

logger = logging.getLogger(__name__)

BLOCK = 2**18
SECONDS = 60  # without a byte
SLOWEST = 1024  # bytes a second, over SECONDS: a line that gives less is tried again
TRIES = 5  # without a new byte
MOST_TRIES = 50
PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds before the second try, twice as long before each further one
BUSY = (408, 425, 429, 500, 502, 503, 504)  # answers after which the same request may succeed
AGENT = "llimba (a toolkit for small languages)"  # Wikimedia asks for a name


class Torn(Exception):
    """An answer that ended early or did not come; a next try may do better, after `wait` seconds at least."""

    def __init__(self, reason: str, wait: float = 0) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Version:
    """Which file a part is of: what the server says of it. Empty where it says nothing."""

    etag: str = ""
    modified: str = ""
    length: int = 0  # bytes; 0: not known

    @property
    def validator(self) -> str:
        """What If-Range takes: a strong ETag, or the date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


def downloaded(url: str, key: str) -> Path:
    """The file at `url`, from the cache or fetched; `key` is where the recipe says it, for errors.

    Raises `StageError` for an address that is none and a disk that is full, `Unavailable` where the server does not
    give the whole file.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise StageError(f"{key}: {parts.scheme or 'this'} is no http(s) address without a password.")
    name = file_name(Path(parts.path).name or "download")
    place = cache_folder() / "downloads" / hashlib.sha256(url.encode()).hexdigest()[:16] / name
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{name}.partial")
    with FileLock(place.with_name(f".{name}.lock")):
        if place.exists():  # another process has fetched it meanwhile
            return place
        logger.info("fetching %s", url)
        try:
            _insist(url, partial)
        except (Torn, OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StageError(
                    f"{key}: the disk is full, {place.parent} holds {_size(partial):,} bytes of {url}. Free some space "
                    "or set LLIMBA_CACHE to another disk, and run the same command again."
                ) from error
            raise Unavailable(
                f"{key}: {url} could not be fetched ({error}). Run the same command again: it continues where it "
                "stopped. Or fetch the file yourself and give its path."
            ) from error
        os.replace(partial, place)
        _about(partial).unlink(missing_ok=True)
    return place


def _insist(url: str, partial: Path) -> None:
    """Fetch what lacks, again and again while new bytes come; raises the last error."""
    vain = 0
    for attempt in range(MOST_TRIES):
        before = _size(partial)
        try:
            _fetch(url, partial)
            return
        except (Torn, TimeoutError, ConnectionError, http.client.HTTPException) as error:
            vain = 0 if _size(partial) > before else vain + 1
            if vain >= TRIES or attempt == MOST_TRIES - 1:
                raise Torn(f"{error or type(error).__name__}; tried {attempt + 1} times") from error
            asked = error.wait if isinstance(error, Torn) else 0
            pause = min(max(PAUSE * 2**vain, asked), LONGEST_PAUSE)
            logger.info("%s: %s; again in %.0f s", partial.stem, error or type(error).__name__, pause)
            time.sleep(pause)


def _fetch(url: str, partial: Path) -> None:
    """Append to `partial` what it lacks of the file; raises `Torn` where that is not all of it."""
    known = _version(partial)
    have = _size(partial) if known.validator else 0
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": known.validator}
    try:
        response = _opener(url).open(urllib.request.Request(url, headers=headers), timeout=SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            if have == known.length == _total(error.headers):
                return  # it was whole when the run stopped
            _forget(partial)
            raise Torn("the file has changed on the server") from error
        if error.code in BUSY:
            wait = error.headers.get("Retry-After") or ""
            raise Torn(f"HTTP {error.code} {error.reason}", float(wait) if wait.isdecimal() else 0) from error
        raise
    except urllib.error.URLError as error:
        if isinstance(error.reason, OSError):
            raise Torn(str(error.reason)) from error
        raise
    with response:
        continued = response.status == 206
        found = _told(response.headers, continued)
        if continued and (_start(response.headers) != have or found.length not in (0, known.length)):
            _forget(partial)
            raise Torn("the server continues another file than the one that was begun")
        have, version = (have, known) if continued else (0, found)
        if not continued:
            _forget(partial)
            write_json(_about(partial), asdict(version))
        if version.length - have > (free := shutil.disk_usage(partial.parent).free):
            raise OSError(errno.ENOSPC, f"{version.length - have:,} bytes are needed and {free:,} are free")
        with (
            partial.open("ab") as handle,
            progress.bar(f"fetching {partial.stem}", max(version.length, 1), "bytes") as bar,
        ):
            bar.resume_at(have)
            _copy(response, handle, bar)
            handle.flush()
            os.fsync(handle.fileno())
    if version.length and _size(partial) != version.length:
        if _size(partial) > version.length:
            _forget(partial)
        raise Torn(f"{_size(partial):,} of {version.length:,} bytes came")
    if not version.length:
        logger.warning("%s: the server did not say how long the file is; it may be cut", partial.stem)


def _copy(response: http.client.HTTPResponse, handle: IO[bytes], bar: progress.Bar) -> None:
    since, came = time.monotonic(), 0
    while block := response.read1(BLOCK):
        handle.write(block)
        bar.advance(len(block))
        came += len(block)
        if (seconds := time.monotonic() - since) > SECONDS:
            if came < SLOWEST * seconds:
                raise Torn(f"only {came:,} bytes came in {seconds:.0f} s")
            since, came = time.monotonic(), 0


def _opener(url: str) -> urllib.request.OpenerDirector:
    """The proxies of the environment, but none to this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        own = ipaddress.ip_address(host).is_loopback
    except ValueError:
        own = host == "localhost" or host.endswith(".localhost")
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if own else []))


def _told(headers: http.client.HTTPMessage, part: bool) -> Version:
    length = _total(headers) if part else headers.get("Content-Length") or "0"
    return Version(headers.get("ETag") or "", headers.get("Last-Modified") or "", int(length or 0))


def _total(headers: Message) -> int:
    """The whole file's length in `Content-Range: bytes 5-9/10`; 0 where it is not told."""
    total = (headers.get("Content-Range") or "").rpartition("/")[2]
    return int(total) if total.isdecimal() else 0


def _start(headers: http.client.HTTPMessage) -> int:
    first = (headers.get("Content-Range") or "").removeprefix("bytes").strip().partition("-")[0]
    return int(first) if first.isdecimal() else -1


def _about(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _version(partial: Path) -> Version:
    """What was noted of the file that a part is of; nothing where the note is not to be had."""
    try:
        return Version(**json.loads(_about(partial).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Version()


def _size(partial: Path) -> int:
    return partial.stat().st_size if partial.exists() else 0


def _forget(partial: Path) -> None:
    for path in (partial, _about(partial)):
        path.unlink(missing_ok=True)
