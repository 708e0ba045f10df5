"""The `parallel` source: aligned rows become pairs, and documents of consecutive rows."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from llimba.recipe import ParallelSource, Recipe
from llimba.records import Document, Pair, Record
from llimba.stages.sources.aligned import rows
from llimba.stages.sources.quarantine import Quarantine


def load(
    name: str,
    source: ParallelSource,
    recipe: Recipe,
    skipped: Counter[str],
    about: dict[str, Any],
    quarantine: Quarantine,
) -> Iterator[Record]:
    """A pair a row; and, for the languages that `documents` names, a document for every few consecutive rows."""
    common: dict[str, Any] = source.carried(name)
    read, start = rows(name, source, quarantine), 0
    while block := list(islice(read, source.rows_per_document)):
        for language in source.documents:
            text = "\n".join(cells[language] for _, cells in block if cells[language])
            identifier = f"{name}:{language}:{start + 1}"
            yield Document(id=identifier, text=text, language=language, provenance=block[0][0], **common)
        for offset, (place, cells) in enumerate(block):
            texts = {code: cells[code] for code in source.pairs if cells[code]}
            if len(texts) < 2:
                skipped["fewer than two languages"] += 1
                continue
            yield Pair(
                id=f"{name}:{cells.get(source.id, start + offset + 1)}",
                texts=texts,
                document=f"{start + 1}",
                position=offset,
                provenance=place,
                **common,
            )
        start += len(block)
