"""The HTML pages of a WARC file, plain or compressed member by member, as their servers sent them.

warcio reads the records. It also unpacks what was sent compressed, but without a limit on what comes out, and takes a
torn record for a whole one; both are done here.
"""

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from llimba.stages.sources import bounded
from llimba.stages.sources.charset import declared_in
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.unsafe import Unsafe

HTML = ("text/html", "application/xhtml+xml")
OPENINGS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<?xml")  # of a page whose type nobody names
PAGES = ("response", "resource")  # types of records that hold a page
REVISIT = "revisit: the page is in another record or file"
SKIPPED = dict.fromkeys(PAGES, "not an HTML page") | {"revisit": REVISIT}


class Sent(NamedTuple):
    """A page: its place in the file, its address, the charset that the server named ("": none), its bytes."""

    place: str
    url: str
    charset: str
    data: bytes


def pages(path: Path, intake: Intake) -> Iterator[Sent]:
    """The pages that were found (status 2xx) or put there; a record that is torn or cannot be unpacked is set apart.

    Raises `Unsafe` where the file itself is broken.
    """
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    limit = min(max(bounded.FREE_BYTES, bounded.RATIO * path.stat().st_size), bounded.FILE_BYTES)
    end = 0  # of the last record
    with path.open("rb") as raw:
        iterator = ArchiveIterator(raw)
        try:
            for record in iterator:
                page, fault = _page_or_fault(record, limit)
                # what is left of the record is read over here: its place is not known before
                place, end = _span(iterator)
                if fault:
                    intake.quarantine(path, place, fault)
                elif page is not None:
                    yield page._replace(place=place)
                elif record.rec_type in SKIPPED:
                    intake.skip(SKIPPED[record.rec_type])
        except ArchiveLoadFailed as error:
            raise Unsafe(f"broken file: {str(error).strip().splitlines()[0]}") from error
        except (AttributeError, TypeError, LookupError) as error:  # what warcio makes of broken headers
            raise Unsafe(f"broken file: {type(error).__name__}: {error}") from error
        raw.seek(end)
        if raw.read(64).strip(b"\r\n\0"):
            raise Unsafe(f"torn file: nothing can be read from offset {end} on, {path.stat().st_size - end:,} bytes")


def _span(iterator: Any) -> tuple[str, int]:
    """Where a record begins, for people, and where it ends."""
    start = iterator.get_record_offset()
    return f"offset {start}", start + iterator.get_record_length()


def _page_or_fault(record: Any, limit: int) -> tuple[Sent | None, str]:
    if record.rec_type not in PAGES:
        return None, ""
    try:
        return _page(record, limit), ""
    except (Unsafe, OSError, zlib.error) as error:
        return None, bounded.reason_of(error)


def _page(record: Any, limit: int) -> Sent | None:
    """The page of a record, without its place; None where it holds none."""
    sent = record.http_headers
    if record.rec_type == "response" and (sent is None or not (sent.get_statuscode() or "").startswith("2")):
        return None
    named = (sent or record.rec_headers).get_header("Content-Type") or ""
    kind = named.partition(";")[0].strip().lower()
    if kind and kind not in HTML:
        return None
    data = _content(record, limit)
    if not kind and not data.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower().startswith(OPENINGS):
        return None
    return Sent("", record.rec_headers.get_header("WARC-Target-URI") or "", declared_in(named), data)


def _content(record: Any, limit: int) -> bytes:
    """What the server sent, unpacked. Raises `Unsafe` for a bomb, and for a record that ends too early."""
    from warcio.bufferedreaders import ChunkedDataReader

    def header(name: str) -> str:
        found = record.http_headers.get_header(name) if record.http_headers is not None else ""
        return (found or "").strip().lower()

    chunked = "chunked" in header("Transfer-Encoding")
    stream = ChunkedDataReader(record.raw_stream) if chunked else record.raw_stream
    data = bytearray()
    while block := stream.read(2**16):
        data += block
        if len(data) > limit:
            raise Unsafe(f"decompression bomb: a page of more than {limit:,} bytes")
    while record.raw_stream.read(2**16):
        pass  # the end of the last chunk
    if lacking := getattr(record.raw_stream, "limit", 0):
        raise Unsafe(f"torn record: the last {lacking:,} bytes are missing")
    packed = bytes(data)
    for coding in reversed([part.strip().removeprefix("x-") for part in header("Content-Encoding").split(",")]):
        packed = _unpacked(packed, coding, limit)
    return packed


def _unpacked(data: bytes, coding: str, limit: int) -> bytes:
    """The data without its content coding. Crawlers that unpack it may leave the header: then it is as it should be."""
    import brotli
    import zstandard

    try:
        if coding == "gzip":
            out = _inflated(data, zlib.MAX_WBITS | 16, limit)
        elif coding == "deflate":  # with zlib's header as the standard says, or bare as some servers send it
            out = _inflated(data, zlib.MAX_WBITS if data[:1] == b"\x78" else -zlib.MAX_WBITS, limit)
        elif coding == "br":
            brotlied = brotli.Decompressor()
            out = brotlied.process(data, output_buffer_limit=limit + 1)
            if not brotlied.is_finished() and len(out) <= limit:
                raise brotli.error("the data ends too early")
        elif coding == "zstd":
            out = bounded.OPENERS[".zst"](io.BytesIO(data)).read(limit + 1)
        elif coding in ("", "identity", "none", "utf-8"):
            return data
        else:
            raise Unsafe(f"unknown content coding: {coding[:40]}")
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
        if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
            return data
        raise Unsafe(f"broken content: {coding}: {error}") from error
    if len(out) > limit:
        raise Unsafe(f"decompression bomb: a page of more than {limit:,} bytes")
    return out


def _inflated(data: bytes, wbits: int, limit: int) -> bytes:
    out = bytearray()
    while data and len(out) <= limit:
        unpacker = zlib.decompressobj(wbits)
        out += unpacker.decompress(data, limit + 1 - len(out))
        if not unpacker.eof and len(out) <= limit:
            raise zlib.error("the data ends too early")
        data = unpacker.unused_data if unpacker.unused_data[:2] == b"\x1f\x8b" else b""
    return bytes(out)
