"""The last passes: near-duplicates and repeated lines leave, what is left is counted, the files are proved clean."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from datatrove.data import Document as Carrier
from datatrove.pipeline.base import PipelineStep

from llimba.files import write_json
from llimba.languages.text import words
from llimba.recipe import CorpusSection
from llimba.records import Document
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.lines import removals
from llimba.stages.corpus.near import Twin
from llimba.stages.corpus.rules import Rejection, too_short
from llimba.stages.corpus.shards import carried, record
from llimba.stages.corpus.summary import LABELS
from llimba.stages.corpus.tables import Tables, decontaminated
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.second_look import SecondLook


def described(document: Document) -> str:
    """The key under which a document is counted for report and card."""
    return json.dumps([getattr(document, label) for label in LABELS])


class Finish(PipelineStep):  # type: ignore[misc]
    """Yields the documents that stay after the comparison with all others."""

    type, name = "🧹 - FILTER", "llimba duplicates"

    def __init__(
        self,
        folder: Path,
        lines: Path | None,
        twins: dict[int, dict[int, Twin]],
        settings: CorpusSection,
        index: EvaluationIndex,
    ) -> None:
        """`lines` is the folder that says which lines are repeated; None: none is looked for."""
        super().__init__()
        self.folder, self.lines, self.twins, self.settings, self.index = folder, lines, twins, settings, index

    def run(self, data: Iterable[Carrier] = (), rank: int = 0, world_size: int = 1) -> Iterator[Carrier]:
        """Finish the documents of this task."""
        account, twins = Account(), self.twins.get(rank, {})
        repeated = {} if self.lines is None else removals(self.lines, rank)
        with Tables(self.folder, rank, ("rejected", "contamination")) as tables:
            for number, carrier in enumerate(data):
                document = kept = record(carrier)
                rejection: Rejection | None = None
                if number in twins:
                    twin = twins[number]
                    rejection = Rejection("near-duplicate", twin.jaccard, self.settings.near or 0, beside=twin.kept)
                elif gone := repeated.get(number):
                    for rule in gone.values():
                        account.add("lines", rule)
                    lines = document.text.split("\n")
                    text = "\n".join(x for at, x in enumerate(lines) if at not in gone)
                    # lines that have come together may be a sentence
                    text = decontaminated(document.id, text, self.index, account, tables)
                    kept = replace(document, text=text)
                    if too_short(kept, self.settings.min_words):
                        rejection = Rejection("repeated lines", len(gone), len(lines) - 1)
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
    """Counts the documents that an evaluation sentence was left in: the proof is in the file, not in memory."""

    type, name = "🔎 - AUDIT", "llimba proof"

    def __init__(self, proof: SecondLook, folder: Path) -> None:
        super().__init__()
        self.proof, self.folder = proof, folder

    def run(self, data: Iterable[Carrier] = (), rank: int = 0, world_size: int = 1) -> None:
        """Look every document of this task's share through."""
        found = sum(self.proof.found(carrier.text) for carrier in data)
        write_json(self.folder / f"{rank:05d}.json", {"surviving": {"documents": found}})
