"""Our JSON lines as datatrove's documents and back: a reader by byte range, a writer that is whole or absent.

datatrove's own reader gives a whole file to one task and skips a broken line with a warning; the stage's records stand
in one file, are cut wherever a share of its bytes ends, and a line that cannot be read is an error here.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from datatrove.data import Document as Carrier
from datatrove.pipeline.base import PipelineStep

from llimba.files import replacing
from llimba.records import Document
from llimba.stages.corpus.tables import rows_between, shard

CARRIED = [field.name for field in fields(Document) if field.name not in ("id", "text")]


def carried(document: Document) -> Carrier:
    """A record as datatrove passes it from step to step: text and id in their places, the rest as metadata."""
    return Carrier(document.text, document.id, metadata={name: getattr(document, name) for name in CARRIED})


def record(carrier: Carrier) -> Document:
    """What `carried` was made from."""
    return Document(id=carrier.id, text=carrier.text, **carrier.metadata)


class RecordReader(PipelineStep):  # type: ignore[misc]
    """Reads this task's share of a file of documents, or what `ShardWriter` of the same task left in a folder."""

    type, name = "📖 - READER", "llimba records"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def run(self, data: object = None, rank: int = 0, world_size: int = 1) -> Iterator[Carrier]:
        """Yield the documents of the share, in order."""
        whole = self.path.is_dir()
        share = (shard(self.path, rank), 0, 1) if whole else (self.path, rank, world_size)
        for row in rows_between(*share):
            self.stat_update("documents")
            yield carried(Document.from_row(row))


class ShardWriter(PipelineStep):  # type: ignore[misc]
    """Writes one file a task, and passes everything on."""

    type, name = "💽 - WRITER", "llimba records"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data: Iterable[Carrier] = (), rank: int = 0, world_size: int = 1) -> Iterator[Carrier]:
        """Write and yield the documents."""
        with replacing(shard(self.folder, rank)) as handle:
            for carrier in data:
                row = {"id": carrier.id, **carrier.metadata, "text": carrier.text}
                handle.write(json.dumps(row, ensure_ascii=False) + "\n")
                yield carrier
