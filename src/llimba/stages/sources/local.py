"""The `local` source: your own files: text, Markdown, HTML, EPUB, PDF, JSONL, CSV, Parquet.

Files and rows that cannot be read go into quarantine, the others are read.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from llimba.recipe import LocalSource
from llimba.records import Conversation, Record
from llimba.stages.sources import bounded
from llimba.stages.sources.cells import identifier_of, text_of
from llimba.stages.sources.columns import Columns
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.isolated import Extractor
from llimba.stages.sources.messages import messages_of
from llimba.stages.sources.tables import TABLES, rows
from llimba.stages.sources.unsafe import Unsafe

EXTRACTED = {".html": "html", ".htm": "html", ".xhtml": "html", ".epub": "epub", ".pdf": "pdf"}
KNOWN = (".txt", ".md", *TABLES, *EXTRACTED)
Text = tuple[str, str]  # place in its file, text


def load(source: LocalSource, intake: Intake) -> Iterator[Record]:
    """Documents of a file, or of every known file of a folder; or the conversations of its JSON lines."""
    bounded.existing(intake.key("path"), source.path)
    if source.yields == "conversations":
        yield from _conversations(bounded.files_of(source.path, TABLES, intake), intake)
        return
    files = bounded.files_of(source.path, KNOWN, intake)
    with Extractor() as extractor:
        for shown, path in files:
            for place, text in _texts(source, path, extractor, intake):
                if not text.strip():
                    intake.skip("empty")
                    continue
                yield intake.document(f"{shown}:{place}", text, source.language or "", f"{shown}:{place}")


def _texts(source: LocalSource, path: Path, extractor: Extractor, intake: Intake) -> Iterator[Text]:
    """Every text of a file with its place."""
    kind = bounded.kind_of(path)
    if kind in TABLES:
        key = intake.key("text") if path == source.path else ""
        for number, row in rows(path, intake, Columns((source.text,), tuple(source.names), key)):
            try:
                yield str(number), text_of(row[str(source.text)], str(source.text))
            except Unsafe as error:
                intake.quarantine(path, f"row {number}", str(error), json.dumps(row, default=str))
        return
    if source.lines_per_document and kind not in EXTRACTED:
        held: list[str] = []
        start = 1
        for number, line in bounded.lines(path, intake):
            start = start if held else number
            held.append(line)
            if len(held) == source.lines_per_document:
                yield str(start), "\n".join(held)
                held = []
        if held:
            yield str(start), "\n".join(held)
        return
    try:
        data = bounded.whole(path)
        if kind in EXTRACTED:
            found = extractor.read(EXTRACTED[kind], data)
            for part in found.lost:
                part_name, _, reason = part.partition(": ")
                intake.quarantine(path, part_name, reason)
            yield "1", found.text
        else:
            text = bounded.text_of(data)
            yield "1", markdown(text) if kind == ".md" else text
    except bounded.broken() as error:
        intake.quarantine(path, "", bounded.reason_of(error))


def markdown(text: str) -> str:
    """The prose of a Markdown file, a line a paragraph or heading: no front matter, code, HTML or addresses."""
    from markdown_it import MarkdownIt

    if text.startswith("---\n") and (end := text.find("\n---", 3)) > 0:
        text = text[end + 4 :]
    lines = []
    for token in MarkdownIt("commonmark", {"html": True}).parse(text):
        if token.type == "inline":
            parts = (
                " " if child.type in ("softbreak", "hardbreak") else child.content if child.type == "text" else ""
                for child in token.children or []
            )
            lines.append(" ".join("".join(parts).split()))
    return "\n".join(line for line in lines if line)


def _conversations(files: list[tuple[str, Path]], intake: Intake) -> Iterator[Conversation]:
    for shown, path in files:
        for number, row in rows(path, intake):
            try:
                turns = messages_of(row, f"sources.{intake.name}: {shown}, row {number}")
                identifier, task = identifier_of(row.get("id"), number), text_of(row.get("task"), "task")
            except Unsafe as error:
                intake.quarantine(path, f"row {number}", str(error), json.dumps(row, ensure_ascii=False, default=str))
                continue
            yield intake.conversation(f"{shown}:{identifier}", turns, f"{shown}:{number}", task)
