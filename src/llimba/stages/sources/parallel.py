"""The `parallel` source: aligned rows become pairs, and documents of consecutive rows."""

from collections.abc import Iterator
from itertools import islice

from llimba.recipe import ParallelSource
from llimba.records import Record
from llimba.stages.sources.aligned import rows
from llimba.stages.sources.intake import Intake


def load(source: ParallelSource, intake: Intake) -> Iterator[Record]:
    """A pair a row; and, for the languages that `documents` names, a document for every few consecutive rows."""
    read, start = rows(source, intake), 0
    while block := list(islice(read, source.rows_per_document)):
        for language in source.documents:
            text = "\n".join(cells[language] for _, cells in block if cells[language])
            if text:
                yield intake.document(f"{language}:{start + 1}", text, language, block[0][0])
        for offset, (place, cells) in enumerate(block):
            texts = {code: cells[code] for code in source.pairs if cells[code]}
            if len(texts) < 2:
                intake.skip("fewer than two languages")
                continue
            yield intake.pair(cells.get(source.id, start + offset + 1), texts, f"{start + 1}", place, offset)
        start += len(block)
