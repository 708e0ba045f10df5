"""What came of each file, for the report: how much the sources stage read of it, what the corpus kept, and why not all.

A share is what a reader gave out of what is visible in a file, in characters or in rows; pages of which only the main
text is wanted are counted, not judged. Sources of many files show those of which something is to be said.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from heapq import nsmallest
from math import log
from typing import Literal

from llimba.files import read_jsonl
from llimba.languages.text import words
from llimba.manifest import Json
from llimba.stages.folders import CorpusFolder, SourcesFolder

LISTED = 300  # files of a source that are all shown
WORST = 30  # files of a larger source that are shown for one outcome
SHOWN = 15  # reasons
HINT = "(few lines end as sentences do: verse and chats are kept in a source that corpus.exempt names)"
Outcome = Literal["set apart", "nothing kept", "kept in part", "left out", "kept"]
OUTCOMES: tuple[Outcome, ...] = ("set apart", "nothing kept", "kept in part", "left out", "kept")  # as they are shown


@dataclass(slots=True)
class FileFate:
    """One file. `given` of `visible` characters (no white space) or rows were read; the rest counts documents."""

    source: str
    file: str
    kind: str = ""
    encoding: str = ""
    unit: str = ""
    given: int = 0
    visible: int = 0
    share: float = 1.0
    far: bool = False
    kept: int = 0  # documents or conversations to train on
    scored: int = 0  # documents to score on
    words: int = 0  # of both
    rejected: dict[str, int] = field(default_factory=dict)  # documents by rule
    twins: list[str] = field(default_factory=list)  # where the same text is, which stays
    apart: dict[str, int] = field(default_factory=dict)  # rows or parts in quarantine, by reason
    unread: str = ""  # why nothing was read of it
    left_out: bool = False  # since it is of another kind, or nobody's text
    outcome: Outcome = "kept"

    def settle(self, traced: bool) -> None:
        """Say in a word what came of it; not `traced`: ids of records do not name files, so what was read counts."""
        if self.unread:
            self.outcome = "left out" if self.left_out else "set apart"
        elif not (self.kept or self.scored or (self.given and not traced)):
            self.outcome = "nothing kept"
        else:
            self.outcome = "kept in part" if self.rejected or self.apart or self.far else "kept"

    @property
    def why(self) -> list[str]:
        """The reasons, for people; empty where all was kept."""
        if self.unread:
            return [self.unread]
        reasons = [
            f"{rule}{f' ({number:,} documents)' if number > 1 else ''}" for rule, number in self.rejected.items()
        ]
        if self.twins:
            reasons.append(f"the same as {', '.join(self.twins[:3])}")
        reasons += [f"{number:,} set apart: {reason}" for reason, number in list(self.apart.items())[:SHOWN]]
        if self.far:
            reasons.append(f"{self.share:.0%} of its {self.unit} were read")
        if self.outcome == "nothing kept" and not reasons:
            reasons.append("no text in it")
        if "no sentences" in self.rejected:
            reasons.append(HINT)
        return reasons


class _Fates:
    """The files by source and name; a record's id begins with both."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], FileFate] = {}
        self.traced: set[str] = set()  # sources whose records name their files

    def of(self, source: str, name: str) -> FileFate:
        """The entry of a file, made at need."""
        return self.files.setdefault((source, name), FileFate(source, name))

    def within(self, source: str, name: str) -> FileFate | None:
        """The file that a name begins with, a place after a colon taken off; None where there is none."""
        while name:
            if (found := self.files.get((source, name))) is not None:
                return found
            name = name.rpartition(":")[0]
        return None

    def of_record(self, record: Json) -> FileFate | None:
        """The file that a record is from; None where its id names none."""
        found = self.within(record["source"], str(record["id"]).removeprefix(f"{record['source']}:"))
        if found is not None:
            self.traced.add(record["source"])
        return found

    def place_of(self, identifier: str) -> str:
        """The file of the record with this id, for people, or the id itself."""
        source, _, name = identifier.partition(":")
        found = self.within(source, name)
        return found.file if found is not None else identifier


def reading(sources: SourcesFolder, corpus: CorpusFolder | None = None) -> Json | None:
    """Sources with files, shares and rows set apart, and what came of the files; None for folders of older versions."""
    if not sources.files_file.exists():
        return None
    table: dict[str, Json] = {}
    totals: dict[tuple[str, str], Counter[str]] = {}
    fates, reasons = _Fates(), Counter[str]()
    for row in read_jsonl(sources.files_file):
        entry = _entry(table, row["source"])
        fate = fates.of(row["source"], row["file"])
        fate.kind = row["kind"]
        if "left_out" in row:
            fate.left_out, fate.unread = True, row["left_out"]
            continue
        entry["files"] += 1
        totals.setdefault((row["source"], row["unit"]), Counter()).update(given=row["given"], visible=row["visible"])
        for name in ("unit", "given", "visible", "share", "far"):
            setattr(fate, name, row[name])
        fate.encoding = row.get("encoding", "")
    for row in read_jsonl(sources.quarantine_file):
        _entry(table, row["source"])["set_apart"] += row["rows"]
        reasons[row["reason"].partition(":")[0]] += row["rows"]
        name = row.get("name", row.get("file", ""))
        fate = fates.within(row["source"], name) or fates.of(row["source"], name)
        if fate.file == name and not row.get("place"):
            fate.unread = row["reason"]
        else:
            fate.apart[row["reason"]] = fate.apart.get(row["reason"], 0) + row["rows"]
    for (source, unit), counted in totals.items():
        if counted["visible"]:
            table[source]["shares"][unit] = round(counted["given"] / counted["visible"], 4)
    if corpus is not None:
        _follow(corpus, fates)
    for fate in fates.files.values():
        fate.settle(fate.source in fates.traced)
        outcomes = _entry(table, fate.source)["outcomes"]
        outcomes[fate.outcome] = outcomes.get(fate.outcome, 0) + 1
    return {
        "sources": list(table.values()),
        "outcomes": {name: n for name in OUTCOMES if (n := sum(e["outcomes"].get(name, 0) for e in table.values()))},
        "files": [asdict(fate) | {"why": fate.why} for fate in _shown(fates.files.values())],
        "reasons": dict(reasons.most_common(SHOWN)),
    }


def _follow(corpus: CorpusFolder, fates: _Fates) -> None:
    """Count what the corpus kept of each file, and what it rejected."""
    for path in (corpus.documents_file, corpus.conversations_file, corpus.held_out_file):
        scored = path == corpus.held_out_file
        for record in read_jsonl(path):
            if (fate := fates.of_record(record)) is not None:
                fate.kept, fate.scored = fate.kept + (not scored), fate.scored + scored
                fate.words += len(words(record.get("text", "")))
    for row in read_jsonl(corpus.rejected_file):
        if (fate := fates.of_record(row["record"])) is None:
            continue
        fate.rejected[row["rule"]] = fate.rejected.get(row["rule"], 0) + 1
        if row.get("beside") and (twin := fates.place_of(row["beside"])) not in fate.twins:
            fate.twins.append(twin)


def _shown(files: Iterable[FileFate]) -> list[FileFate]:
    """All files of a source that has few; of one with many those that something is to be said of, the worst first."""
    by_source: dict[str, list[FileFate]] = {}
    for fate in files:
        by_source.setdefault(fate.source, []).append(fate)
    chosen = []
    for fates in by_source.values():
        if len(fates) <= LISTED:
            chosen += fates
            continue
        for outcome in OUTCOMES[:-1]:
            chosen += nsmallest(WORST, (fate for fate in fates if fate.outcome == outcome), key=_nearness)
    return sorted(
        chosen, key=lambda fate: (OUTCOMES.index(fate.outcome), fate.unread if fate.left_out else "", fate.file)
    )


def _nearness(fate: FileFate) -> float:
    """Less for a file of which less, or more than all, was read."""
    return -abs(log(max(fate.share, 1e-9)))


def _entry(table: dict[str, Json], source: str) -> Json:
    return table.setdefault(source, {"source": source, "files": 0, "shares": {}, "set_apart": 0, "outcomes": {}})
