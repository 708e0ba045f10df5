"""Stage 1, `sources`: fetch every source. Leaves `documents.jsonl`, `pairs.jsonl` and `conversations.jsonl`."""

import logging
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.recipe import Recipe
from llimba.records import Conversation, Document, Pair, Record, write_records
from llimba.sources import hub, local, packages, parallel, wikipedia

logger = logging.getLogger(__name__)

LOADERS: dict[str, Any] = {
    "package": packages.load,
    "local": local.load,
    "parallel": parallel.load,
    "hub": hub.load,
    "wikipedia": wikipedia.load,
}


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Load every source; each must yield something, and one must hold text in the language to be learned."""
    records: list[Record] = []
    facts: dict[str, Any] = {}
    for name, source in recipe.sources.items():
        skipped = Counter[str]()
        about: dict[str, Any] = {}
        loaded = list(islice(LOADERS[source.kind](name, source, recipe, skipped, about), source.max_documents))
        if not loaded:
            raise StageError(
                f"sources.{name}: the source is empty (skipped: {dict(skipped) or 'nothing'}). Check its path, columns "
                "and languages, or remove it."
            )
        facts[name] = {
            "kind": source.kind,
            "license": source.license,
            "role": source.role,
            **count(loaded),
            "skipped": {reason: number for reason, number in skipped.items() if number},
            **about,
        }
        totals = Counter(facts[name]["words"]) | Counter(facts[name]["pair_words"])
        words = ", ".join(f"{language} {number:,}" for language, number in totals.items())
        logger.info(
            "  %-12s %d documents, %d pairs, words: %s",
            name,
            facts[name]["documents"],
            facts[name]["pairs"],
            words,
        )
        records += loaded
    target = recipe.profile.code
    if not any(target in languages(record) for record in records if record.role == "train"):
        raise StageError(
            f"sources: no text in '{target}' to train on. Add a source in that language (kind: local for files of your "
            "own), or correct the language codes of those there are."
        )
    kinds: list[tuple[str, type[Record]]] = [
        ("documents", Document),
        ("pairs", Pair),
        ("conversations", Conversation),
    ]
    for file, kind in kinds:
        write_records(out / f"{file}.jsonl", (record for record in records if isinstance(record, kind)))
    return {"sources": facts}


def count(records: list[Record]) -> dict[str, Any]:
    """How many records of each type, and words (split at white space) by language, of documents and of pairs."""
    words, pair_words = Counter[str](), Counter[str]()
    for record in records:
        if isinstance(record, Document):
            words[record.language] += len(record.text.split())
        elif isinstance(record, Pair):
            pair_words.update({language: len(text.split()) for language, text in record.texts.items()})
    return {
        "documents": sum(isinstance(record, Document) for record in records),
        "pairs": sum(isinstance(record, Pair) for record in records),
        "conversations": sum(isinstance(record, Conversation) for record in records),
        "words": dict(words),
        "pair_words": dict(pair_words),
    }


def languages(record: Record) -> set[str]:
    """The languages that a record holds text in; a conversation does not say."""
    if isinstance(record, Document):
        return {record.language}
    return set(record.texts) if isinstance(record, Pair) else set()
