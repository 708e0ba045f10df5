"""What a loader gets: a place to make records with the source's own fields, and to say what was left out and why.

Nothing is left out silently: what is readable but not wanted is skipped and counted; what cannot be read safely goes
into quarantine with file, place and reason, so that one bad file or row never costs the good ones. What is counted is
rows: an entry for the rest of a file counts as many as were in it.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from llimba.data_files.faults import printable
from llimba.manifest import Json
from llimba.records import Conversation, Document, Pair
from llimba.stages.sources.taken import Files, Taken

if TYPE_CHECKING:  # the parsers' process imports `Unsafe`, and should start quickly
    from llimba.languages.profile import Language
    from llimba.stages.sources.charset import Choice
    from llimba.stages.sources.messages import Turns

SAMPLE = 200  # characters of the bad row that are kept


@dataclass(slots=True)
class Intake:
    """One source being read. Reasons are counted up to the first colon; details come after it."""

    name: str  # of the source in the recipe
    carried: Json  # the fields that every record of the source has: source, license, role, ...
    profile: "Language"
    quarantine_file: IO[str] | None = None  # gets one JSON line for each entry
    skipped: Counter[str] = field(default_factory=Counter)  # files and rows, by reason
    quarantined: Counter[str] = field(default_factory=Counter)  # files and rows, by reason
    trimmed: Counter[str] = field(default_factory=Counter)  # conversations that lost turns at an end, by which
    unpacked: dict[str, str] = field(default_factory=dict)  # temporary file -> the archive and member that it is from
    folder: str = ""  # that file names are given in
    files: Files = field(default_factory=Files)  # what was taken of each
    languages: tuple[str, ...] = ()  # codes of those that the source is in
    encodings: Counter[str] = field(default_factory=Counter)  # files and pages, by encoding and what was wrong with it
    first_overruled: str = ""  # file or page, and the encoding that it declares wrongly, for people
    first_quarantined: str = ""  # file, place and reason, for people
    revision: str = ""  # of a dataset
    fetched: list[dict[str, str]] = field(default_factory=list)  # packages: package, file, sha256
    _letters: str | None = None
    _last: str = ""  # file or page that was decoded last

    @property
    def letters(self) -> str:
        """The letters of the source's languages, for telling encodings apart; "" where they are not known."""
        from llimba.languages.letters import letters_of

        if self._letters is None:
            known = [letters_of(code, self.profile) for code in self.languages]
            self._letters = "".join(dict.fromkeys("".join(known))) if all(known) else ""
        return self._letters

    def decoded(self, place: object, choice: "Choice", replaced: int = 0) -> None:
        """Count the encoding of a file or page, once, and say so where it is not the one that is declared."""
        shown = printable(self.unpacked.get(str(place), str(place)))
        self.files.encodings[choice.encoding] = None
        if shown == self._last:
            return
        self._last = shown
        wrong = f", declared {printable(choice.overruled)}" if choice.overruled else ""
        self.encodings[f"{choice.encoding}{wrong}{', with broken characters' if replaced else ''}"] += 1
        if choice.overruled and not self.first_overruled:
            self.first_overruled = f"{shown} declares {printable(choice.overruled)} and is {choice.encoding}"

    def document(self, identifier: object, text: str, language: str, provenance: str) -> Document:
        """A document; `identifier` need only be unique within the source."""
        return Document(
            id=f"{self.name}:{identifier}", text=text, language=language, provenance=provenance, **self.carried
        )

    def pair(
        self, identifier: object, texts: dict[str, str], document: str, provenance: str, position: int = 0
    ) -> Pair:
        """The same passage in several languages, the `position`-th of the text called `document`."""
        return Pair(
            id=f"{self.name}:{identifier}", texts=texts, document=document, position=position, provenance=provenance,
            **self.carried,
        )  # fmt: skip

    def conversation(self, identifier: object, turns: "Turns", provenance: str, task: str = "") -> Conversation:
        """Chat messages, and the rejected last answer of preference data."""
        self.trimmed.update(turns.trimmed)
        return Conversation(
            id=f"{self.name}:{identifier}", messages=turns.messages, rejected=turns.rejected, task=task,
            provenance=provenance, **self.carried,
        )  # fmt: skip

    def key(self, setting: str) -> str:
        """Where the recipe has a setting of this source, for errors."""
        return f"sources.{self.name}.{setting}"

    def skip(self, reason: str, number: int = 1) -> None:
        """Count what is readable and left out."""
        if number:
            self.skipped[printable(reason)] += number

    def leave_out(self, name: str, kind: str, reason: str) -> None:
        """Count a file that is not read, and name it; `name` is its path in the source's folder."""
        self.skip(reason)
        self.files.leave_out(printable(name), kind.removeprefix("."), printable(reason))

    def took(self, taken: Taken) -> None:
        """Record how much of a file was given out; one that holds no row at all is counted as skipped."""
        self.files.add(taken)
        self.skip("files without rows", int(taken.unit == "rows" and not taken.visible))

    def quarantine(self, path: object, place: str, reason: str, sample: str | bytes = "", rows: int = 1) -> None:
        """Record a file (its path; place ""), or `rows` rows of it, that cannot be read."""
        shown = sample.decode("utf-8", "replace") if isinstance(sample, bytes) else sample
        file = printable(self.unpacked.get(str(path), str(path)))
        place, reason = printable(place), printable(reason)
        row = {
            "source": self.name,
            "file": file,
            "name": file.removeprefix(f"{printable(self.folder)}/") if self.folder else file,
            "place": place,
            "reason": reason,
            "rows": rows,
            "sample": shown[:SAMPLE].encode("utf-8", "replace").decode(),
        }
        self.quarantined[reason.partition(":")[0]] += rows
        self.first_quarantined = self.first_quarantined or f"{file}{', ' if place else ''}{place}: {reason}"
        if self.quarantine_file is not None:
            self.quarantine_file.write(json.dumps(row, ensure_ascii=False) + "\n")
