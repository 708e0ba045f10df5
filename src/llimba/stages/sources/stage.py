"""Stage 1, `sources`: fetch every source. Leaves `documents.jsonl`, `pairs.jsonl` and `conversations.jsonl`.

`quarantine.jsonl` lists what could not be read, with the reason, and `files.jsonl` how much was taken of each file,
and which were left out.
Records are written as they are read: memory does not grow with the sources.
"""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import assert_never

from llimba.errors import StageError
from llimba.files import replacing
from llimba.languages.text import words
from llimba.manifest import Json
from llimba.recipe import (
    AnySource,
    HubSource,
    LocalSource,
    PackageSource,
    ParallelSource,
    Recipe,
    WebSource,
    WikipediaSource,
)
from llimba.records import Conversation, Document, Pair, Record
from llimba.stages.folders import SourcesFolder
from llimba.stages.sources import local, packages, parallel, web, wikipedia
from llimba.stages.sources.cells import fault_of
from llimba.stages.sources.hub import load as hub
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.taken import Files

logger = logging.getLogger(__name__)

EVERY = 50_000  # records between two lines of a long source
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes it
SAID = 8  # reasons for leaving out that are logged; the manifest has all


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What one source gave and what was left out, for the manifest. Words are split at white space."""

    kind: str
    license: str
    role: str
    documents: int
    pairs: int
    conversations: int
    words: dict[str, int]  # of documents, by language
    pair_words: dict[str, int]  # of pairs, by language
    skipped: dict[str, int]  # files and rows, by reason; so is `quarantined`
    quarantined: dict[str, int]
    encodings: dict[str, int]  # files and pages that are more than ASCII, by encoding, and by what was wrong with it
    trimmed: dict[str, int]  # conversations that lost turns at an end, by which
    revision: str  # of a hub dataset
    fetched: list[dict[str, str]]  # packages: package, file, sha256
    files: int  # that were read; `files.jsonl` has a line of each, and of those left out
    taken: dict[str, float]  # share of their characters, or rows, that was given out


class Counts:
    """How many records of each type, and words by language, of documents and of pairs."""

    def __init__(self) -> None:
        self.records = Counter[type[Record]]()
        self.words, self.pair_words = Counter[str](), Counter[str]()

    def add(self, record: Record) -> None:
        """Count one record."""
        self.records[type(record)] += 1
        if isinstance(record, Document):
            self.words[record.language] += len(words(record.text))
        elif isinstance(record, Pair):
            for language, text in record.texts.items():
                self.pair_words[language] += len(words(text))


def load(source: AnySource, intake: Intake) -> Iterator[Record]:
    """The records of a source of any kind, as its loader makes them; what it leaves out is counted in `intake`."""
    match source:
        case PackageSource():
            return packages.load(source, intake)
        case LocalSource():
            return local.load(source, intake)
        case WebSource():
            return web.load(source, intake)
        case ParallelSource():
            return parallel.load(source, intake)
        case HubSource():
            return hub.load(source, intake)
        case WikipediaSource():
            return wikipedia.load(source, intake)
        case _:
            assert_never(source)


def spoken(source: AnySource) -> tuple[str, ...]:
    """The languages of a source's files, where the recipe says them: their letters help to tell encodings apart."""
    match source:
        case LocalSource() | WebSource():
            return (source.language,) if source.language else ()
        case ParallelSource():
            return tuple(dict.fromkeys((*source.files, *source.pairs, *source.documents)))
        case _:
            return ()


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> Json:
    """Load every source; each must yield something, and for cpt one holds text in the language to be learned."""
    facts: dict[str, SourceFacts] = {}
    taught: set[str] = set()  # languages that there is text of to train on
    left = SourcesFolder(out)
    files: dict[type[Record], Path] = {
        Document: left.documents_file,
        Pair: left.pairs_file,
        Conversation: left.conversations_file,
    }
    with ExitStack() as stack:
        handles = {kind: stack.enter_context(replacing(file)) for kind, file in files.items()}
        quarantine_file = stack.enter_context(replacing(left.quarantine_file))
        files_file = stack.enter_context(replacing(left.files_file))
        for name, source in recipe.sources.items():
            intake = Intake(
                name, source.carried(name), recipe.profile, quarantine_file,
                files=Files(name, files_file), languages=spoken(source),
            )  # fmt: skip
            counts = Counts()
            for record in islice(load(source, intake), source.max_documents):
                line = json.dumps(asdict(record), ensure_ascii=False)
                if fault := fault_of(line) or ("NUL character" if NUL.search(line) else ""):
                    intake.quarantine(record.provenance, "", fault, line)
                    continue
                counts.add(record)
                handles[type(record)].write(line + "\n")
                if source.role == "train":
                    taught |= languages(record)
                if counts.records.total() % EVERY == 0:
                    logger.info("  %-12s %s records so far", name, f"{counts.records.total():,}")
            _check(source, counts, intake)
            facts[name] = _facts(source, counts, intake)
            _say(facts[name], intake)
    target = recipe.profile.code
    if recipe.cpt is not None and target not in taught:
        raise StageError(
            f"sources: no text in '{target}' to train on. Add a source in that language (kind: local for files of your "
            "own), or correct the language codes of those there are."
        )
    return {"sources": {name: asdict(found) for name, found in facts.items()}}


def _facts(source: AnySource, counts: Counts, intake: Intake) -> SourceFacts:
    return SourceFacts(
        kind=source.kind,
        license=source.license,
        role=source.role,
        documents=counts.records[Document],
        pairs=counts.records[Pair],
        conversations=counts.records[Conversation],
        words=dict(counts.words),
        pair_words=dict(counts.pair_words),
        skipped=dict(intake.skipped),
        quarantined=dict(intake.quarantined),
        encodings=dict(intake.encodings),
        trimmed=dict(intake.trimmed),
        revision=intake.revision,
        fetched=intake.fetched,
        files=intake.files.count,
        taken=intake.files.shares(),
    )


def _check(source: AnySource, counts: Counts, intake: Intake) -> None:
    """A source that yields nothing, or of which too much cannot be read, is an error."""
    total, unreadable = counts.records.total(), intake.quarantined.total()
    if not total:
        first = f" First in quarantine: {intake.first_quarantined}." if unreadable else ""
        raise StageError(
            f"sources.{intake.name}: the source is empty (skipped: {dict(intake.skipped) or 'nothing'}; quarantined: "
            f"{dict(intake.quarantined) or 'nothing'}).{first} Check its path, columns and languages, or remove it."
        )
    if unreadable > source.max_quarantined * (total + unreadable):
        raise StageError(
            f"{intake.key('max_quarantined')}: {unreadable} files or rows cannot be read and {total} can, more than "
            f"{source.max_quarantined:.0%} ({dict(intake.quarantined)}). The first: {intake.first_quarantined}. "
            "Correct them, or allow a larger share."
        )


def _say(facts: SourceFacts, intake: Intake) -> None:
    totals = Counter(facts.words) | Counter(facts.pair_words)
    words = ", ".join(f"{language} {number:,}" for language, number in totals.items())
    counts = {"documents": facts.documents, "pairs": facts.pairs, "conversations": facts.conversations}
    made = ", ".join(f"{number:,} {what}" for what, number in counts.items() if number)
    logger.info("  %-12s %s%s", intake.name, made, f", words: {words}" if words else "")
    if facts.skipped:
        most = sorted(facts.skipped.items(), key=lambda reason: -reason[1])
        more = f", and {len(most) - SAID} more reasons" if len(most) > SAID else ""
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in most[:SAID])
        logger.info("  %-12s left out: %s%s", intake.name, reasons, more)
    for what, number in facts.trimmed.items():
        logger.info("  %-12s %d conversations were trimmed: %s", intake.name, number, what)
    if others := {name: number for name, number in facts.encodings.items() if name != "utf-8"}:
        counted = ", ".join(f"{name} {number}" for name, number in others.items())
        first = f"; the first declared wrongly: {intake.first_overruled}" if intake.first_overruled else ""
        logger.info("  %-12s not plain UTF-8: %s%s", intake.name, counted, first)
    if facts.quarantined:
        reasons = ", ".join(f"{reason} {number}" for reason, number in facts.quarantined.items())
        logger.warning(
            "  %-12s %d files or rows are in quarantine (%s); the first: %s",
            intake.name, intake.quarantined.total(), reasons, intake.first_quarantined,
        )  # fmt: skip


def languages(record: Record) -> set[str]:
    """The languages that a record holds text in; a conversation does not say."""
    if isinstance(record, Document):
        return {record.language}
    return set(record.texts) if isinstance(record, Pair) else set()
