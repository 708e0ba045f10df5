"""Pairs and conversations, cleaned as they are read: contaminated ones and repeated pairs are rejected."""

from collections.abc import Iterable, Iterator

from llimba.languages.profile import Language
from llimba.records import Conversation, Pair, Record
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.normal import normal_pair
from llimba.stages.corpus.rules import CONTAMINATED, Duplicates, Rejection
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
        if _stays(pair, CONTAMINATED if contaminated else duplicates.pair(pair), account, tables):
            yield pair


def clean_conversations(
    conversations: Iterable[Conversation], index: EvaluationIndex, account: Account, tables: Tables
) -> Iterator[Conversation]:
    """The conversations none of whose lines is contaminated, the rejected answer of preference data included."""
    for conversation in conversations:
        account.add("moved", "read")
        contaminated = _hits(conversation, conversation.lines, index, tables)
        if _stays(conversation, CONTAMINATED if contaminated else None, account, tables):
            yield conversation


def surviving(corpus: CorpusFolder, index: EvaluationIndex) -> int:
    """Evaluation sentences found in the written pairs and conversations."""
    sides = (text for pair in corpus.pairs() for text in pair.texts.values())
    spoken = (line for conversation in corpus.conversations() for line in conversation.lines)
    return sum(index.hit(line) is not None for lines in (sides, spoken) for line in lines)


def _hits(record: Record, lines: Iterable[str], index: EvaluationIndex, tables: Tables) -> int:
    """Write every hit into `contamination.jsonl`; returns how many there are."""
    count = 0
    for line in lines:
        if hit := index.hit(line):
            tables.add("contamination", {"record": record.id, **hit._asdict(), "line": line})
            count += 1
    return count


def _stays(record: Record, rejection: Rejection | None, account: Account, tables: Tables) -> bool:
    """Count a record as kept or rejected, and write a rejected one down."""
    if rejection is None:
        account.add("moved", "kept")
        account.add("sources", record.source)
        return True
    account.add("rejected", rejection.rule)
    tables.add("rejected", rejection.row(record))
    return False
