"""The `parallel` source: a JSONL file with one column per language code."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.recipe import ParallelSource, Recipe
from llimba.records import Document, Pair, Record


def load(
    name: str, source: ParallelSource, recipe: Recipe, skipped: Counter[str], about: dict[str, Any]
) -> Iterator[Record]:
    """A pair a row; and, for the languages that `documents` names, a document for every few consecutive rows."""
    if not source.path.exists():
        raise StageError(f"sources.{name}.path: {source.path} does not exist. Mend the path, or remove the source.")
    rows = list(read_jsonl(source.path))
    common: dict[str, Any] = {
        "source": name,
        "license": source.license,
        "variety": source.variety,
        "norm": source.norm,
        "origin": source.origin,
        "role": source.role,
    }
    for number, row in enumerate(rows, 1):
        if missing := [code for code in source.pairs if code not in row]:
            raise StageError(
                f"sources.{name}.pairs: {source.path}, row {number} has no column '{missing[0]}' (columns: "
                f"{', '.join(row)})."
            )
    for start in range(0, len(rows), source.rows_per_document):
        block = rows[start : start + source.rows_per_document]
        for language in source.documents:
            text = "\n".join(str(row[language]) for row in block if row.get(language))
            place = f"{source.path.name}:{start + 1}"
            yield Document(
                id=f"{name}:{language}:{start + 1}", text=text, language=language, provenance=place, **common
            )
        for offset, row in enumerate(block):
            texts = {code: str(row[code]) for code in source.pairs if row[code]}
            if len(texts) < 2:
                skipped["fewer than two languages"] += 1
                continue
            yield Pair(
                id=f"{name}:{row.get(source.id, start + offset + 1)}",
                texts=texts,
                document=f"{start + 1}",
                position=offset,
                provenance=f"{source.path.name}:{start + offset + 1}",
                **common,
            )
