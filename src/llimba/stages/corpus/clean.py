"""The first pass over the documents, one after another: rules that look at one document alone.

Normalise, leave out what is scored on, remove foreign and contaminated lines, label norm and variety, apply the rules.
Rules that compare documents with one another (duplicates) come after.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from datatrove.data import Document as Carrier
from datatrove.pipeline.base import PipelineStep

from llimba.languages.identify.fasttext import AnyIdentifier
from llimba.languages.profile import Language, Quality
from llimba.recipe import CorpusSection
from llimba.records import Document
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.foreign import foreign_lines
from llimba.stages.corpus.normal import normal_form
from llimba.stages.corpus.norms import marked
from llimba.stages.corpus.quality import judge
from llimba.stages.corpus.rules import CONTAMINATED, Rejection, too_short, wrong_label
from llimba.stages.corpus.shards import carried, record
from llimba.stages.corpus.split import held_out
from llimba.stages.corpus.tables import Tables, decontaminated
from llimba.stages.decontamination import EvaluationIndex

BATCH = 64  # documents whose lines are identified together
TABLES = ("rejected", "contamination", "foreign")


@dataclass(frozen=True)
class Cleaning:
    """What the pass needs to know; small enough to be handed to every worker."""

    settings: CorpusSection
    profile: Language
    seed: int
    index: EvaluationIndex
    identifier: AnyIdentifier | None
    qualities: Mapping[str, Quality] = field(default_factory=dict)  # of languages whose thresholds were learned


class Clean(PipelineStep):  # type: ignore[misc]
    """Yields the documents that stay, cleaned; leaves tables of what was removed, and counts."""

    type, name = "🧹 - FILTER", "llimba cleaning"

    def __init__(self, cleaning: Cleaning, folder: Path) -> None:
        super().__init__()
        self.cleaning, self.folder = cleaning, folder

    def run(self, data: Iterable[Carrier] = (), rank: int = 0, world_size: int = 1) -> Iterator[Carrier]:
        """Clean the documents of this task."""
        account = Account()
        with Tables(self.folder, rank, TABLES) as tables:
            documents = (record(carrier) for carrier in data)
            while batch := list(islice(documents, BATCH)):
                for document in self._batch(batch, account, tables):
                    self.stat_update("kept")
                    yield carried(document)
        account.save(self.folder / "account", rank)

    def _batch(self, batch: list[Document], account: Account, tables: Tables) -> Iterator[Document]:
        settings, profile = self.cleaning.settings, self.cleaning.profile
        account.add("moved", "read", len(batch))
        training = [
            d for d in batch if d.role == "train" and not held_out(d, profile.code, settings, self.cleaning.seed)
        ]
        account.add("moved", "evaluation", len(batch) - len(training))
        normal = [replace(d, text=normal_form(d, profile, settings.as_is)) for d in training]
        for document, foreign in zip(normal, self._foreign(normal), strict=True):
            cleaned = self._without(document, foreign, account, tables)
            rejection = self._judge(cleaned, foreign)
            if rejection is None:
                yield cleaned
            else:
                account.add("rejected", rejection.rule)
                tables.add("rejected", rejection.row(document))

    def _foreign(self, documents: list[Document]) -> list[dict[str, str]]:
        """Of each document the lines in another language, where documents of its source and language are looked at."""
        identifier, settings, target = self.cleaning.identifier, self.cleaning.settings, self.cleaning.profile.code
        if identifier is None:
            return [{} for _ in documents]
        asked = [n for n, d in enumerate(documents) if d.language == target and d.source not in settings.identify]
        found = dict(zip(asked, foreign_lines([documents[n] for n in asked], identifier), strict=True))
        return [found.get(number, {}) for number in range(len(documents))]

    def _without(self, document: Document, foreign: dict[str, str], account: Account, tables: Tables) -> Document:
        """The document without foreign lines and contaminated passages, with norm and variety labelled."""
        text, profile = document.text, self.cleaning.profile
        if foreign:
            lines = []
            for line in text.split("\n"):
                if line not in foreign:
                    lines.append(line)
                    continue
                account.add("lines", "other language")
                tables.add("foreign", {"record": document.id, "language": foreign[line], "line": line})
            text = "\n".join(lines)
        text = decontaminated(document.id, text, self.cleaning.index, account, tables)
        if document.language != profile.code:
            return replace(document, text=text)
        norm = document.norm or marked(text, profile.norm_markers)
        variety = document.variety or marked(text, profile.variety_markers)
        return replace(document, text=text, norm=norm, variety=variety)

    def _judge(self, document: Document, foreign: dict[str, str]) -> Rejection | None:
        settings, profile = self.cleaning.settings, self.cleaning.profile
        if settings.as_is:
            return None if document.text.strip() else CONTAMINATED
        short = too_short(document, settings.min_words)
        if short and foreign:
            return Rejection("other language", ", ".join(sorted(set(foreign.values()))), document.language)
        target = document.language == profile.code
        strange = wrong_label(document, settings) if target else None
        if short or strange or document.source in settings.exempt:
            return short or strange
        quality = self.cleaning.qualities.get(document.language, profile.quality)
        return judge(document.text, quality, profile.alphabet if target else "")
