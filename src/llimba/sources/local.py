"""The `local` source: text and JSONL files of one's own."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.recipe import LocalSource, Recipe
from llimba.records import Conversation, Document, Record
from llimba.sources.messages import messages_of

SUFFIXES = (".txt", ".jsonl")


def load(
    name: str, source: LocalSource, recipe: Recipe, skipped: Counter[str], about: dict[str, Any]
) -> Iterator[Record]:
    """Documents of a file, or of every .txt and .jsonl file of a folder; or the conversations of its JSON lines."""
    if not source.path.exists():
        raise StageError(f"sources.{name}.path: {source.path} does not exist. Mend the path, or remove the source.")
    files = sorted(p for p in source.path.rglob("*") if p.suffix in SUFFIXES) if source.path.is_dir() else [source.path]
    if source.yields == "conversations":
        yield from _conversations(name, source, files)
        return
    for path in files:
        for place, text in _texts(name, source, path):
            if not text.strip():
                skipped["empty"] += 1
                continue
            yield Document(
                id=f"{name}:{path.name}:{place}",
                text=text,
                language=source.language or "",
                provenance=f"{path.name}:{place}",
                **source.carried(name),
            )


def _conversations(name: str, source: LocalSource, files: list[Path]) -> Iterator[Conversation]:
    for path in files:
        if path.suffix != ".jsonl":
            raise StageError(f"sources.{name}.path: conversations are read from .jsonl files, and {path} is none.")
        for number, row in enumerate(read_jsonl(path), 1):
            messages, rejected = messages_of(row, f"sources.{name}: {path.name}, row {number}")
            yield Conversation(
                id=f"{name}:{path.name}:{row.get('id', number)}",
                messages=messages,
                rejected=rejected,
                task=str(row.get("task", "")),
                provenance=f"{path.name}:{number}",
                **source.carried(name),
            )


def _texts(name: str, source: LocalSource, path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text) of every document in a file."""
    if path.suffix == ".jsonl":
        for number, row in enumerate(read_jsonl(path), 1):
            if source.text not in row:
                raise StageError(
                    f"sources.{name}.text: {path} has no column '{source.text}' in row {number} (columns: "
                    f"{', '.join(row)})."
                )
            yield number, str(row[source.text])
        return
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StageError(
            f"sources.{name}.path: {path} is not UTF-8 (byte {error.start}). Convert it, e.g. with iconv -f "
            f"latin1 -t utf8."
        ) from error
    if source.lines_per_document == 0:
        yield 1, content
        return
    lines = content.splitlines()
    for start in range(0, len(lines), source.lines_per_document):
        yield start + 1, "\n".join(lines[start : start + source.lines_per_document])
