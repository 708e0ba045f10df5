"""The `web` source: saved HTML pages and WARC files; trafilatura finds the main text, the page's address is kept."""

import io
from collections.abc import Iterator
from pathlib import Path

from llimba.recipe import WebSource
from llimba.records import Record
from llimba.stages.sources import bounded
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.isolated import Extractor
from llimba.stages.sources.unsafe import Unsafe

PAGES, WARC = (".html", ".htm", ".xhtml"), ".warc"
Page = tuple[str, str, bytes]  # place within the file, address or "", content


def load(source: WebSource, intake: Intake) -> Iterator[Record]:
    """A document a page with prose; pages of other kinds and without prose are skipped."""
    bounded.existing(intake.key("path"), source.path)
    with Extractor() as extractor:
        for shown, path in bounded.files_of(source.path, (*PAGES, WARC), intake):
            for place, url, data in _pages(path, intake):
                try:
                    page = extractor.read("html", data, url)
                except Unsafe as error:
                    intake.quarantine(path, place, str(error), data[:400])
                    continue
                if not page.text.strip():
                    intake.skip("no prose")
                    continue
                origin = f"{page.address} ({shown}{', ' if place else ''}{place})" if page.address else shown
                yield intake.document(f"{shown}:{place}" if place else shown, page.text, source.language, origin)


def _pages(path: Path, intake: Intake) -> Iterator[Page]:
    place = ""
    try:
        if bounded.kind_of(path) != WARC:
            yield "", "", bounded.whole(path)
            return
        for place, url, data in _warc(path, intake):
            yield place, url, data
    except bounded.broken() as error:
        intake.quarantine(path, f"after {place}" if place else "", bounded.reason_of(error))


def _warc(path: Path, intake: Intake) -> Iterator[Page]:
    """The HTML responses of a WARC file, plain or compressed member by member."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    limit = max(bounded.FREE_BYTES, bounded.RATIO * path.stat().st_size)
    with path.open("rb") as raw:
        iterator = ArchiveIterator(raw)
        try:
            for record in iterator:
                if record.rec_type != "response" or record.http_headers is None:
                    continue
                kind = record.http_headers.get_header("Content-Type") or ""
                if "html" not in kind or not (record.http_headers.get_statuscode() or "").startswith("2"):
                    intake.skip("not an HTML page")
                    continue
                data, stream = io.BytesIO(), record.content_stream()
                while block := stream.read(2**16):
                    data.write(block)
                    if data.tell() > min(limit, bounded.FILE_BYTES):
                        raise Unsafe(f"decompression bomb: a page of more than {data.tell():,} bytes")
                url = record.rec_headers.get_header("WARC-Target-URI") or ""
                yield f"offset {iterator.get_record_offset()}", url, data.getvalue()
        except ArchiveLoadFailed as error:
            raise Unsafe(f"broken file: {str(error).strip().splitlines()[0]}") from error
        except (AttributeError, TypeError, LookupError) as error:  # what warcio makes of broken headers
            raise Unsafe(f"broken file: {type(error).__name__}: {error}") from error
