"""The `local` source: your own files: text, Markdown, HTML, EPUB, PDF, JSONL, CSV, Parquet.

Files and rows that cannot be read go into quarantine, the others are read.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from llimba.errors import StageError
from llimba.recipe import LocalSource
from llimba.records import Conversation, Record
from llimba.stages.sources import bounded
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
    files = bounded.files_of(source.path, KNOWN, intake)
    if source.yields == "conversations":
        yield from _conversations(files, intake)
        return
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
        for number, row in rows(path, intake):
            if source.text not in row:
                raise StageError(
                    f"{intake.key('text')}: {path} has no column '{source.text}' in row {number} (columns: "
                    f"{', '.join(row)})."
                )
            yield str(number), "" if row[source.text] is None else str(row[source.text])
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
        if kind not in EXTRACTED and kind != ".md":
            yield "1", bounded.text_of(data)
            return
        if kind == ".md":
            data = bounded.text_of(data).encode()
        found = extractor.read(EXTRACTED.get(kind, "markdown"), data, keep=source.keep)
        for part in found.lost:
            part_name, _, reason = part.partition(": ")
            intake.quarantine(path, part_name, reason)
        yield "1", found.text
    except bounded.broken() as error:
        intake.quarantine(path, "", bounded.reason_of(error))


def _conversations(files: list[tuple[str, Path]], intake: Intake) -> Iterator[Conversation]:
    for shown, path in files:
        if bounded.kind_of(path) not in TABLES:
            raise StageError(
                f"{intake.key('path')}: conversations are read from {', '.join(TABLES)} files, and {path} is none."
            )
        for number, row in rows(path, intake):
            try:
                turns = messages_of(row, f"sources.{intake.name}: {shown}, row {number}")
            except Unsafe as error:
                intake.quarantine(path, f"row {number}", str(error), json.dumps(row, ensure_ascii=False, default=str))
                continue
            identifier, task = f"{shown}:{row.get('id', number)}", str(row.get("task", ""))
            yield intake.conversation(identifier, turns, f"{shown}:{number}", task)
