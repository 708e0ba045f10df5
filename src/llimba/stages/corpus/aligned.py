"""Pairs and conversations, cleaned as they are read: contaminated ones and repeated pairs are rejected."""

from collections.abc import Iterable, Iterator
from itertools import chain

from llimba.languages.profile import Language
from llimba.records import Conversation, Pair, Record
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.normal import normal_pair
from llimba.stages.corpus.rules import CONTAMINATED, Duplicates, Rejection
from llimba.stages.corpus.tables import Tables
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.folders import CorpusFolder, SourcesFolder
from llimba.stages.second_look import SecondLook


def normal_pairs(sources: SourcesFolder, profile: Language, as_is: bool = False) -> Iterator[Pair]:
    """The sources' pairs, normalised, a line a side; `as_is`: as they are."""
    return (normal_pair(pair, profile, as_is) for pair in sources.pairs())


def clean_pairs(
    pairs: Iterable[Pair],
    held_out: set[str],
    index: EvaluationIndex,
    account: Account,
    tables: Tables,
    as_is: bool = False,
) -> Iterator[Pair]:
    """The training pairs that are kept; `held_out` has the ids of those that are evaluated on instead.

    `as_is` keeps repeated pairs.
    """
    duplicates = Duplicates()
    for pair in pairs:
        account.add("moved", "read")
        if pair.role == "evaluate" or pair.id in held_out:
            account.add("moved", "evaluation")
            continue
        contaminated = _hits(pair, pair.texts.values(), index, tables)
        twice = None if as_is else duplicates.pair(pair)
        if _stays(pair, CONTAMINATED if contaminated else twice, account, tables):
            yield pair


def clean_conversations(
    conversations: Iterable[Conversation], index: EvaluationIndex, account: Account, tables: Tables
) -> Iterator[Conversation]:
    """The conversations none of whose texts is contaminated, the rejected answer of preference data included."""
    for conversation in conversations:
        account.add("moved", "read")
        contaminated = _hits(conversation, conversation.contents, index, tables)
        if _stays(conversation, CONTAMINATED if contaminated else None, account, tables):
            yield conversation


def surviving(corpus: CorpusFolder, proof: SecondLook) -> int:
    """Texts of the written pairs and conversations that an evaluation sentence is found in."""
    sides = (text for pair in corpus.pairs() for text in pair.texts.values())
    spoken = (text for conversation in corpus.conversations() for text in conversation.contents)
    return sum(map(proof.found, chain(sides, spoken)))


def _hits(record: Record, texts: Iterable[str], index: EvaluationIndex, tables: Tables) -> int:
    """Write every hit into `contamination.jsonl`; returns how many there are."""
    count = 0
    for text in texts:
        for found in index.passages(text):
            row = {"record": record.id, **found.hit._asdict(), "line": text[found.start : found.end]}
            tables.add("contamination", row)
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
