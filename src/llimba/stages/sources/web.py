"""The `web` source: saved HTML pages and WARC files; trafilatura finds the main text, the page's address is kept."""

from collections.abc import Iterator
from pathlib import Path

from llimba.recipe import WebSource
from llimba.records import Record
from llimba.stages.sources import bounded, warc
from llimba.stages.sources.extracted import characters
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.isolated import Extractor
from llimba.stages.sources.pages import Page, read_page
from llimba.stages.sources.taken import Taken
from llimba.stages.sources.unsafe import Unsafe

PAGES, WARC = (".html", ".htm", ".xhtml"), ".warc"


def load(source: WebSource, intake: Intake) -> Iterator[Record]:
    """A document a page with prose; pages of other kinds and without prose are skipped."""
    bounded.existing(intake.key("path"), source.path)
    with Extractor() as extractor:
        for shown, path in bounded.files_of(source.path, (*PAGES, WARC), intake):
            given, visible = 0, 0
            for page in _pages(path, shown, intake):
                try:
                    read, encoding = read_page(page, extractor, intake)
                except Unsafe as error:
                    intake.quarantine(path, page.place, str(error), page.data[:400])
                    continue
                given, visible = given + characters(read.text), visible + read.visible
                if not read.text.strip():
                    intake.skip("no prose")
                    continue
                where = ", ".join(part for part in (shown, page.place, "" if encoding == "utf-8" else encoding) if part)
                origin = f"{read.address} ({where})" if read.address else where
                yield intake.document(page.name, read.text, source.language, origin)
            intake.took(Taken(shown, "html" if bounded.kind_of(path) in PAGES else "warc", given, visible))


def _pages(path: Path, shown: str, intake: Intake) -> Iterator[Page]:
    place = ""
    try:
        if bounded.kind_of(path) != WARC:
            yield Page(shown, bounded.whole(path))
            return
        for sent in warc.pages(path, intake):
            place = sent.place
            yield Page(f"{shown}:{place}", sent.data, place, sent.url, sent.charset)
    except bounded.broken() as error:
        intake.quarantine(path, f"after {place}" if place else "", bounded.reason_of(error))
