"""The last passes: near-duplicates and repeated lines leave, what is left is counted, the files are proved clean."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from datatrove.data import Document as Carrier
from datatrove.pipeline.base import PipelineStep

from llimba.files import write_json
from llimba.languages.text import words
from llimba.records import Document
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.lines import removals
from llimba.stages.corpus.near import Twin
from llimba.stages.corpus.rules import Rejection, too_short
from llimba.stages.corpus.shards import carried, record
from llimba.stages.corpus.summary import LABELS
from llimba.stages.corpus.tables import Tables
from llimba.stages.decontamination import EvaluationIndex


def described(document: Document) -> str:
    """The key under which a document is counted for report and card."""
    return json.dumps([getattr(document, label) for label in LABELS])


class Finish(PipelineStep):  # type: ignore[misc]
    """Yields the documents that stay after the comparison with all others."""

    type, name = "🧹 - FILTER", "llimba duplicates"

    def __init__(
        self, folder: Path, lines: Path, twins: dict[int, dict[int, Twin]], near: float, min_words: int
    ) -> None:
        super().__init__()
        self.folder, self.lines, self.twins, self.near, self.min_words = folder, lines, twins, near, min_words

    def run(self, data: Iterable[Carrier] = (), rank: int = 0, world_size: int = 1) -> Iterator[Carrier]:
        """Finish the documents of this task."""
        account, twins, repeated = Account(), self.twins.get(rank, {}), removals(self.lines, rank)
        with Tables(self.folder, rank, ("rejected",)) as tables:
            for number, carrier in enumerate(data):
                document = record(carrier)
                rejection: Rejection | None = None
                if number in twins:
                    twin = twins[number]
                    rejection = Rejection("near-duplicate", twin.jaccard, self.near, beside=twin.kept)
                else:
                    gone = repeated.get(number, {})
                    for rule in gone.values():
                        account.add("lines", rule)
                    lines = document.text.split("\n")
                    kept = replace(document, text="\n".join(x for at, x in enumerate(lines) if at not in gone))
                    short = too_short(kept, self.min_words)
                    rejection = Rejection("repeated lines", len(gone), len(lines) - 1) if short and gone else short
                if rejection is not None:
                    account.add("rejected", rejection.rule)
                    tables.add("rejected", rejection.row(document))
                    continue
                self._count(kept, account)
                yield carried(kept)
        account.save(self.folder / "account", rank)

    def _count(self, document: Document, account: Account) -> None:
        length, key = len(words(document.text)), described(document)
        account.add("moved", "kept")
        account.add("documents", key)
        account.add("words", key, length)
        account.add("bytes", key, len(document.text.encode()))
        account.add(f"length {document.language}", str(2 ** max(0, length.bit_length() - 1)))


class Prove(PipelineStep):  # type: ignore[misc]
    """Counts the evaluation sentences in what was written to be trained on: the proof is in the file, not in memory."""

    type, name = "🔎 - AUDIT", "llimba proof"

    def __init__(self, index: EvaluationIndex, folder: Path) -> None:
        super().__init__()
        self.index, self.folder = index, folder

    def run(self, data: Iterable[Carrier] = (), rank: int = 0, world_size: int = 1) -> None:
        """Look every line of this task's share up."""
        found = sum(self.index.hit(line) is not None for carrier in data for line in carrier.text.split("\n"))
        write_json(self.folder / f"{rank:05d}.json", {"surviving": {"documents": found}})
