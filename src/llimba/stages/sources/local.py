"""The `local` source: your own files, one by one or in folders and zip archives, and what was taken of each.

Text, Markdown, HTML, EPUB, PDF, Word, LibreOffice, RTF, subtitles, exports of chats, JSON, CSV, Parquet. Files and rows
that cannot be read go into quarantine, the others are read.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from llimba.recipe import LocalSource
from llimba.records import Conversation, Record
from llimba.stages.sources import bounded, chats, json_rows, tables
from llimba.stages.sources.cells import identifier_of, text_of
from llimba.stages.sources.columns import Columns, Dialect
from llimba.stages.sources.extracted import Extracted, characters
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.isolated import Extractor
from llimba.stages.sources.messages import messages_of
from llimba.stages.sources.pages import Page, read_page
from llimba.stages.sources.subtitles import subtitles
from llimba.stages.sources.tables import TABLES
from llimba.stages.sources.taken import Taken
from llimba.stages.sources.transcripts import is_transcript, transcript
from llimba.stages.sources.unsafe import Unsafe
from llimba.stages.sources.zipped import ZIP, unpacked

EXTRACTED = {
    ".html": "html", ".htm": "html", ".xhtml": "html", ".epub": "epub", ".pdf": "pdf", ".docx": "docx", ".odt": "odt",
    ".rtf": "rtf",
}  # fmt: skip
SUBTITLES = (".srt", ".vtt")
KNOWN = (".txt", ".md", *SUBTITLES, *TABLES, *EXTRACTED)
Text = tuple[str, str]  # place in its file, text


def load(source: LocalSource, intake: Intake) -> Iterator[Record]:
    """Documents of a file, or of every known file of a folder; or the conversations of its tables."""
    bounded.existing(intake.key("path"), source.path)
    kinds = TABLES if source.yields == "conversations" else KNOWN
    files = unpacked(bounded.files_of(source.path, (*kinds, ZIP), intake), kinds, intake)
    if source.yields == "conversations":
        yield from _conversations(files, intake)
        return
    with Extractor() as extractor:
        for shown, path in files:
            for place, text in _texts(source, shown, path, extractor, intake):
                if not text.strip():
                    intake.skip("empty")
                    continue
                yield intake.document(f"{shown}:{place}", text, source.language or "", f"{shown}:{place}")


def _texts(source: LocalSource, shown: str, path: Path, extractor: Extractor, intake: Intake) -> Iterator[Text]:
    """Every text of a file with its place; says in `intake.files` how much of it that is."""
    kind = bounded.kind_of(path)
    if kind in TABLES:
        yield from _rows(source, shown, path, intake)
    elif kind == ".txt" and chats.is_whatsapp(head := _head(path, intake)):
        yield from _chat(shown, path, intake)
    elif kind == ".txt" and is_transcript(head):
        yield from _transcript(shown, path, intake)
    elif source.lines_per_document and kind in (".txt", ".md"):
        yield from _lines(source.lines_per_document, shown, path, intake)
    else:
        try:
            found = _extracted(path, bounded.whole(path), extractor, source.keep, intake)
        except bounded.broken() as error:
            intake.quarantine(path, "", bounded.reason_of(error))
            return
        for part in found.lost:
            name, _, reason = part.partition(": ")
            intake.quarantine(path, name, reason)
        taken = Taken(shown, EXTRACTED.get(kind, kind[1:]), characters(found.text), found.visible)
        intake.took(taken)
        if taken.refused:
            share = f"{taken.given:,} of {taken.visible:,} characters, a share of {taken.share:.2f}"
            intake.quarantine(
                path, "", f"text lost in reading: {share}. Convert the file to another format", found.text
            )
        else:
            yield "1", found.text


def _extracted(path: Path, data: bytes, extractor: Extractor, keep: Sequence[str], intake: Intake) -> Extracted:
    kind = bounded.kind_of(path)
    if EXTRACTED.get(kind) == "html":
        return read_page(Page(str(path), data), extractor, intake)[0]
    if kind in EXTRACTED:
        return extractor.read(EXTRACTED[kind], data)
    text = bounded.text_of(data, path, intake)
    if kind in SUBTITLES:
        return subtitles(text)
    if kind == ".md":
        return extractor.read("markdown", text.encode("utf-8", "replace"), keep=keep)
    return Extracted(text, characters(text))


def _rows(source: LocalSource, shown: str, path: Path, intake: Intake) -> Iterator[Text]:
    """The column of texts of a table, or the days of a chat."""
    columns = Columns((source.text,), intake.key("text") if path == source.path else "")
    before, given = intake.quarantined.total(), 0
    if bounded.kind_of(path) == ".json":
        read = json_rows.whole(path, intake)
        first = list(islice(read, 1))
        if first and (found := chats.chats_of(first[0][1])):
            for chat in found:
                for place, day in chats.telegram(chat, path, intake):
                    given += day.count("\n") + 1
                    yield place, day
            intake.took(Taken(shown, "chat", given, sum(len(chat["messages"]) for chat in found), "rows"))
            return
        rows = tables.with_columns(chain(first, read), path, intake, columns)
    else:
        rows = tables.rows(path, intake, Dialect(names=tuple(source.names)), columns)
    for number, row in rows:
        try:
            text = text_of(row[str(source.text)], str(source.text))
        except Unsafe as error:
            intake.quarantine(path, f"row {number}", str(error), json.dumps(row, default=str))
            continue
        given += 1
        yield str(number), text
    intake.took(Taken(shown, bounded.kind_of(path)[1:], given, given + intake.quarantined.total() - before, "rows"))


def _head(path: Path, intake: Intake) -> str:
    """The first lines of a file, as they are; empty where it cannot be read."""
    try:
        lines = [line or b"" for _, line in islice(bounded.raw_lines(path, intake), chats.LOOKED_AT)]
    except bounded.broken():
        return ""
    return b"\n".join(lines).decode("utf-8-sig", "replace")


def _chat(shown: str, path: Path, intake: Intake) -> Iterator[Text]:
    try:
        text = bounded.text_of(bounded.whole(path), path, intake)
    except bounded.broken() as error:
        intake.quarantine(path, "", bounded.reason_of(error))
        return
    given = 0
    for place, day in chats.whatsapp(text, intake):
        given += characters(day)
        yield place, day
    visible = sum(characters(chats.STAMP.sub("", line)) for line in text.splitlines())
    intake.took(Taken(shown, "chat", given, visible))


def _transcript(shown: str, path: Path, intake: Intake) -> Iterator[Text]:
    try:
        text = bounded.text_of(bounded.whole(path), path, intake)
    except bounded.broken() as error:
        intake.quarantine(path, "", bounded.reason_of(error))
        return
    said = transcript(text)
    intake.took(Taken(shown, "transcript", characters(said), characters(text)))
    yield "1", said


def _lines(count: int, shown: str, path: Path, intake: Intake) -> Iterator[Text]:
    """Every few lines as a text."""
    held: list[str] = []
    before, start, given = intake.quarantined.total(), 1, 0
    for number, line in bounded.lines(path, intake):
        given += 1
        start = start if held else number
        held.append(line)
        if len(held) == count:
            yield str(start), "\n".join(held)
            held = []
    if held:
        yield str(start), "\n".join(held)
    intake.took(Taken(shown, "txt", given, given + intake.quarantined.total() - before, "rows"))


def _conversations(files: Iterator[tuple[str, Path]], intake: Intake) -> Iterator[Conversation]:
    for shown, path in files:
        before, given = intake.quarantined.total(), 0
        for number, row in tables.rows(path, intake):
            try:
                turns = messages_of(row, f"sources.{intake.name}: {shown}, row {number}")
                identifier, task = identifier_of(row.get("id"), number), text_of(row.get("task"), "task")
            except Unsafe as error:
                intake.quarantine(path, f"row {number}", str(error), json.dumps(row, ensure_ascii=False, default=str))
                continue
            given += 1
            yield intake.conversation(f"{shown}:{identifier}", turns, f"{shown}:{number}", task)
        lost = intake.quarantined.total() - before
        intake.took(Taken(shown, bounded.kind_of(path)[1:], given, given + lost, "rows"))
