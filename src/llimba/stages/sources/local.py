"""The `local` source: files of one's own, whatever they are: text, Markdown, HTML, EPUB, PDF, JSONL, CSV, Parquet.

A file that cannot be read, or a row of one, goes into quarantine, and the others are read on.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.recipe import LocalSource, Recipe
from llimba.records import Conversation, Document, Record
from llimba.stages.sources import bounded
from llimba.stages.sources.isolated import Extractor
from llimba.stages.sources.messages import messages_of
from llimba.stages.sources.quarantine import Quarantine, Unsafe
from llimba.stages.sources.tables import TABLES, rows

EXTRACTED = {".html": "html", ".htm": "html", ".xhtml": "html", ".epub": "epub", ".pdf": "pdf"}
KNOWN = (".txt", ".md", *TABLES, *EXTRACTED)
Text = tuple[str, str]  # where it stands in its file, and what it says


def load(
    name: str,
    source: LocalSource,
    recipe: Recipe,
    skipped: Counter[str],
    about: dict[str, Any],
    quarantine: Quarantine,
) -> Iterator[Record]:
    """Documents of a file, or of every known file of a folder; or the conversations of its JSON lines."""
    bounded.existing(f"sources.{name}.path", source.path)
    files = bounded.files_of(source.path, KNOWN, skipped)
    if source.yields == "conversations":
        yield from _conversations(name, source, files, quarantine)
        return
    with Extractor() as extractor:
        for shown, path in files:
            for place, text in _texts(name, source, path, extractor, quarantine):
                if not text.strip():
                    skipped["empty"] += 1
                    continue
                yield Document(
                    id=f"{name}:{shown}:{place}",
                    text=text,
                    language=source.language or "",
                    provenance=f"{shown}:{place}",
                    **source.carried(name),
                )


def _texts(name: str, source: LocalSource, path: Path, extractor: Extractor, quarantine: Quarantine) -> Iterator[Text]:
    """Every text of a file with its place; what cannot be read goes aside."""
    kind = bounded.kind_of(path)
    if kind in TABLES:
        for number, row in rows(path, quarantine):
            if source.text not in row:
                raise StageError(
                    f"sources.{name}.text: {path} has no column '{source.text}' in row {number} (columns: "
                    f"{', '.join(row)})."
                )
            yield str(number), "" if row[source.text] is None else str(row[source.text])
        return
    if source.lines_per_document and kind not in EXTRACTED:
        held: list[str] = []
        start = 1
        for number, line in bounded.lines(path, quarantine):
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
            yield "1", extractor.text(EXTRACTED[kind], data)[0]
        else:
            text = bounded.text_of(data)
            yield "1", markdown(text) if kind == ".md" else text
    except bounded.broken() as error:
        quarantine.add(path, "", bounded.reason_of(error))


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


def _conversations(
    name: str, source: LocalSource, files: list[tuple[str, Path]], quarantine: Quarantine
) -> Iterator[Conversation]:
    for shown, path in files:
        if bounded.kind_of(path) not in TABLES:
            raise StageError(
                f"sources.{name}.path: conversations are read from {', '.join(TABLES)} files, and {path} is none."
            )
        for number, row in rows(path, quarantine):
            try:
                messages, rejected = messages_of(row, f"sources.{name}: {shown}, row {number}")
            except Unsafe as error:
                quarantine.add(path, f"row {number}", str(error), json.dumps(row, ensure_ascii=False, default=str))
                continue
            yield Conversation(
                id=f"{name}:{shown}:{row.get('id', number)}",
                messages=messages,
                rejected=rejected,
                task=str(row.get("task", "")),
                provenance=f"{shown}:{number}",
                **source.carried(name),
            )
