"""Pairs and conversations, cleaned as they are read: contaminated ones and repeated pairs are rejected."""

from collections.abc import Iterable, Iterator
from typing import Any

from llimba.languages.profile import Language
from llimba.records import Conversation, Pair, Record
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.normal import normal_pair
from llimba.stages.corpus.rules import CONTAMINATED, Duplicates
from llimba.stages.corpus.tables import Tables
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.folders import CorpusFolder, SourcesFolder


def normal_pairs(sources: SourcesFolder, profile: Language) -> Iterator[Pair]:
    """The sources' pairs, normalised, a line a side."""
    return (normal_pair(pair, profile) for pair in sources.pairs())


def clean_pairs(
    pairs: Iterable[Pair], held_out: set[str], index: EvaluationIndex, account: Account, tables: Tables
) -> Iterator[Pair]:
    """The training pairs that are kept; `held_out` has the ids of those that are evaluated on instead."""
    duplicates = Duplicates()
    for pair in pairs:
        account.add("moved", "read")
        if pair.role == "evaluate" or pair.id in held_out:
            account.add("moved", "evaluation")
            continue
        contaminated = _hits(pair, pair.texts.values(), index, tables)
        rejection = CONTAMINATED if contaminated else duplicates.pair(pair)
        if rejection is None:
            account.add("moved", "kept")
            account.add("sources", pair.source)
            yield pair
        else:
            account.add("rejected", rejection.rule)
            tables.add("rejected", rejection.row(pair))


def clean_conversations(
    conversations: Iterable[Conversation], index: EvaluationIndex, account: Account, tables: Tables
) -> Iterator[Conversation]:
    """The conversations none of whose lines is contaminated, the rejected answer of preference data included."""
    for conversation in conversations:
        account.add("moved", "read")
        lines = (line for content in conversation.contents for line in content.split("\n"))
        if _hits(conversation, lines, index, tables):
            account.add("rejected", CONTAMINATED.rule)
            tables.add("rejected", CONTAMINATED.row(conversation))
            continue
        account.add("moved", "kept")
        account.add("sources", conversation.source)
        yield conversation


def surviving(corpus: CorpusFolder, index: EvaluationIndex) -> int:
    """Evaluation sentences found in the written pairs and conversations."""
    sides = (text for pair in corpus.pairs() for text in pair.texts.values())
    spoken = (
        line
        for conversation in corpus.conversations()
        for content in conversation.contents
        for line in content.split("\n")
    )
    return sum(index.hit(line) is not None for lines in (sides, spoken) for line in lines)


def _hits(record: Record, lines: Iterable[str], index: EvaluationIndex, tables: Tables) -> int:
    """Write every hit into `contamination.jsonl`; returns how many there are."""
    hits: list[dict[str, Any]] = []
    for line in lines:
        if hit := index.hit(line):
            hits.append({"record": record.id, **hit._asdict(), "line": line})
    for row in hits:
        tables.add("contamination", row)
    return len(hits)
