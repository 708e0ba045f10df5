"""Text out of HTML, EPUB and PDF. Run as a program it serves one request a line, so that it can be killed.

trafilatura finds the main text of a page, lxml reads EPUB's chapters, pypdf the pages of a PDF. All three have been
made to hang or to eat the memory by files; `isolated` therefore runs this in a process with limits.
"""

import base64
import io
import json
import os
import posixpath
import resource
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from llimba.stages.sources.bounded import RATIO
from llimba.stages.sources.extracted import Extracted, characters, visible_in
from llimba.stages.sources.unsafe import Unsafe

MEMBERS, MEMBER_BYTES = 10_000, 64 * 2**20  # of an EPUB
PAGES = 20_000  # of a PDF
MEMORY_BYTES = 4 * 2**30
BLOCKS = "//*[self::p or self::h1 or self::h2 or self::h3 or self::h4 or self::h5 or self::h6 or self::li or self::dd]"


def html(data: bytes, url: str = "") -> Extracted:
    """Main text and address (the page's own, or `url`) of an HTML page; empty where there is no prose."""
    import trafilatura

    # metadata is asked for where the address is not known: with both, trafilatura gives up pages whose own differs
    found: Any = trafilatura.bare_extraction(
        data, url=url or None, include_comments=False, include_tables=False, with_metadata=not url
    )
    visible = visible_in(data.decode("utf-8", "replace"))
    if found is None:
        return Extracted("", visible, url)
    return Extracted(found.text or "", visible, url or found.url or "")


def epub(data: bytes) -> Extracted:
    """The chapters in reading order, a line a paragraph or heading."""
    from defusedxml.ElementTree import fromstring

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        container = fromstring(_member(archive, "META-INF/container.xml"), forbid_dtd=True)
        package = next(element.get("full-path") for element in container.iter() if element.tag.endswith("}rootfile"))
        root = fromstring(_member(archive, package or ""), forbid_dtd=True)
        items = {e.get("id"): e.get("href") for e in root.iter() if e.tag.endswith("}item")}
        spine = [items.get(e.get("idref")) for e in root.iter() if e.tag.endswith("}itemref")]
        chapters, visible = [], 0
        for href in spine:
            if href:
                name = posixpath.normpath(posixpath.join(posixpath.dirname(package or ""), href.partition("#")[0]))
                chapter = _member(archive, name)
                chapters.append("\n".join(_paragraphs(chapter)))
                visible += visible_in(chapter.decode("utf-8", "replace"))
    return Extracted("\n".join(chapter for chapter in chapters if chapter), visible)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if len(archive.infolist()) > MEMBERS:
        raise Unsafe(f"too many members: {len(archive.infolist()):,} in one archive")
    if name.startswith(("/", "..")):
        raise Unsafe(f"path that climbs: {name}")
    entry = archive.getinfo(name)
    if entry.file_size > MEMBER_BYTES or entry.file_size > RATIO * max(entry.compress_size, 1) + 2**20:
        raise Unsafe(f"decompression bomb: {name} unpacks from {entry.compress_size:,} to {entry.file_size:,} bytes")
    with archive.open(entry) as handle:
        return handle.read(MEMBER_BYTES)


def _paragraphs(data: bytes) -> Iterator[str]:
    from lxml import html as parser

    if not data.strip():
        return
    root = parser.document_fromstring(data, parser=parser.HTMLParser(encoding="utf-8"))
    nodes: Any = root.xpath(BLOCKS)
    for node in nodes:
        text = " ".join(node.text_content().split())
        if text:
            yield text


def pdf(data: bytes) -> Extracted:
    """The text of every page, a line a line: PDF has no paragraphs."""
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(data))
    if len(reader.pages) > PAGES:
        raise Unsafe(f"too many pages: {len(reader.pages):,}")
    text = "\n".join(page.extract_text() for page in reader.pages)
    return Extracted(text, characters(text))


def serve() -> None:
    """Answer {"kind", "data", "url"} with the fields of `Extracted`, {"error"} or {"missing"}, a JSON object a line."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        data = base64.b64decode(request["data"])
        try:
            if request["kind"] == "html":
                found = html(data, request["url"])
            else:
                found = {"epub": epub, "pdf": pdf}[request["kind"]](data)
            answer: dict[str, str | int] = {**asdict(found), "text": found.text.encode("utf-8", "replace").decode()}
        except Unsafe as error:
            answer = {"error": str(error)}
        except ImportError as error:  # no fault of the file
            answer = {"missing": str(error)}
        except MemoryError:
            answer = {"error": "out of memory: the file asks for more than it may have"}
        except Exception as error:
            answer = {"error": f"broken file: {type(error).__name__}: {str(error)[:200]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
