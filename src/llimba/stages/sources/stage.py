"""Stage 1, `sources`: fetch every source. Leaves `documents.jsonl`, `pairs.jsonl` and `conversations.jsonl`.

What could not be read stands in `quarantine.jsonl` with its reason. Records are written as they are read: memory does
not grow with the sources.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.files import replacing
from llimba.recipe import AnySource, Recipe
from llimba.records import Conversation, Document, Pair, Record
from llimba.stages.folders import SourcesFolder
from llimba.stages.sources import hub, local, packages, parallel, web, wikipedia
from llimba.stages.sources.quarantine import Quarantine

logger = logging.getLogger(__name__)

LOADERS: dict[str, Any] = {
    "package": packages.load,
    "local": local.load,
    "web": web.load,
    "parallel": parallel.load,
    "hub": hub.load,
    "wikipedia": wikipedia.load,
}
KINDS: dict[type[Record], str] = {Document: "documents", Pair: "pairs", Conversation: "conversations"}
EVERY = 50_000  # records between two lines of a long source


class Counts:
    """How many records of each type, and words (split at white space) by language, of documents and of pairs."""

    def __init__(self) -> None:
        self.records, self.words, self.pair_words = Counter[str](), Counter[str](), Counter[str]()

    def add(self, record: Record) -> None:
        """Count one record."""
        self.records[KINDS[type(record)]] += 1
        if isinstance(record, Document):
            self.words[record.language] += len(record.text.split())
        elif isinstance(record, Pair):
            for language, text in record.texts.items():
                self.pair_words[language] += len(text.split())

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        numbers = {name: self.records[name] for name in KINDS.values()}
        return {**numbers, "words": dict(self.words), "pair_words": dict(self.pair_words)}


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Load every source; each must yield something, and one must hold text in the language to be learned."""
    facts: dict[str, Any] = {}
    taught: set[str] = set()  # languages that there is text of to train on
    left = SourcesFolder(out)
    files: dict[type[Record], Path] = {
        Document: left.documents_file,
        Pair: left.pairs_file,
        Conversation: left.conversations_file,
    }
    with ExitStack() as stack:
        handles = {kind: stack.enter_context(replacing(file)) for kind, file in files.items()}
        aside = stack.enter_context(replacing(left.quarantine_file))
        for name, source in recipe.sources.items():
            skipped, about, quarantine = Counter[str](), dict[str, Any](), Quarantine(name, aside)
            read = LOADERS[source.kind](name, source, recipe, skipped, about, quarantine)
            counts = Counts()
            for record in islice(read, source.max_documents):
                counts.add(record)
                handles[type(record)].write(json.dumps(asdict(record), ensure_ascii=False) + "\n")
                if source.role == "train":
                    taught |= languages(record)
                if counts.records.total() % EVERY == 0:
                    logger.info("  %-12s %s records so far", name, f"{counts.records.total():,}")
            _check(name, source, counts, skipped, quarantine)
            facts[name] = {
                "kind": source.kind,
                "license": source.license,
                "role": source.role,
                **counts.facts(),
                "skipped": {reason: number for reason, number in skipped.items() if number},
                "quarantined": dict(quarantine.reasons),
                **about,
            }
            _say(name, facts[name], quarantine)
    target = recipe.profile.code
    if target not in taught:
        raise StageError(
            f"sources: no text in '{target}' to train on. Add a source in that language (kind: local for files of your "
            "own), or correct the language codes of those there are."
        )
    return {"sources": facts}


def _check(name: str, source: AnySource, counts: Counts, skipped: Counter[str], quarantine: Quarantine) -> None:
    """A source that yields nothing, or of which too much cannot be read, is an error."""
    total = counts.records.total()
    if not total:
        first = f" First in quarantine: {quarantine.first}." if quarantine.first else ""
        raise StageError(
            f"sources.{name}: the source is empty (skipped: {dict(skipped) or 'nothing'}; quarantined: "
            f"{dict(quarantine.reasons) or 'nothing'}).{first} Check its path, columns and languages, or remove it."
        )
    if quarantine.entries > source.max_quarantined * (total + quarantine.entries):
        raise StageError(
            f"sources.{name}.max_quarantined: {quarantine.entries} files or rows cannot be read beside {total} that "
            f"can, more than {source.max_quarantined:.0%} ({dict(quarantine.reasons)}). The first: {quarantine.first}. "
            "Mend them, or allow a larger share."
        )


def _say(name: str, facts: dict[str, Any], quarantine: Quarantine) -> None:
    totals = Counter(facts["words"]) | Counter(facts["pair_words"])
    words = ", ".join(f"{language} {number:,}" for language, number in totals.items())
    logger.info("  %-12s %d documents, %d pairs, words: %s", name, facts["documents"], facts["pairs"], words)
    if quarantine.entries:
        logger.warning(
            "  %-12s %d files or rows are in quarantine (%s); the first: %s",
            name, quarantine.entries, _listed(quarantine.reasons.items()), quarantine.first,
        )  # fmt: skip


def _listed(reasons: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{reason} {number}" for reason, number in reasons)


def languages(record: Record) -> set[str]:
    """The languages that a record holds text in; a conversation does not say."""
    if isinstance(record, Document):
        return {record.language}
    return set(record.texts) if isinstance(record, Pair) else set()
