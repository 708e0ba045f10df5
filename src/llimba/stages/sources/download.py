"""One large file from a web address into llimba's cache: continues where it stopped, whole or absent at its place.

pooch and fsspec fetch and cache files too, but start again after a stop, and a dump of Wikipedia takes an hour.
"""

import hashlib
import logging
import os
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from llimba import progress
from llimba.errors import StageError, Unavailable
from llimba.packages import cache_folder

logger = logging.getLogger(__name__)

BLOCK = 2**18
SECONDS = 60  # without a byte
AGENT = "llimba (a toolkit for small languages)"  # Wikimedia asks for a name


def downloaded(url: str, key: str) -> Path:
    """The file at `url`, from the cache or fetched; `key` is where the recipe says it, for errors.

    Raises `StageError` for an address that is none, `Unavailable` where the server does not give the whole file.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise StageError(f"{key}: {parts.scheme or 'this'} is no http(s) address without a password.")
    name = Path(parts.path).name or "download"
    place = cache_folder() / "downloads" / hashlib.sha256(url.encode()).hexdigest()[:16] / name
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{name}.partial")
    logger.info("fetching %s", url)
    try:
        _fetch(url, partial)
    except (urllib.error.URLError, OSError, EOFError) as error:
        raise Unavailable(
            f"{key}: {url} could not be fetched ({error}). Run the same command again: it continues where it "
            "stopped. Or fetch the file yourself and give its path."
        ) from error
    os.replace(partial, place)
    return place


def _fetch(url: str, partial: Path) -> None:
    """Append to `partial` what it lacks of the file; raises `EOFError` where the server ends too early."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": AGENT} | ({"Range": f"bytes={have}-"} if have else {}))
    try:
        response = urllib.request.urlopen(request, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left to fetch
            return
        raise
    with response, partial.open("ab" if response.status == 206 else "wb") as handle:
        have = have if response.status == 206 else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else 0
        with progress.bar(f"fetching {partial.stem}", max(total, 1), "bytes") as bar:
            bar.resume_at(have)
            while block := response.read(BLOCK):
                handle.write(block)
                bar.advance(len(block))
        handle.flush()
        os.fsync(handle.fileno())
    if total and partial.stat().st_size != total:
        raise EOFError(f"{partial.stat().st_size:,} of {total:,} bytes came")
