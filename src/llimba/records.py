"""The three record types that cross stage borders: Document, Pair, Conversation.

Stages meet only through folders on disk, and in those folders only through JSON lines of these. Every record keeps
where it came from (source, licence, provenance) and what it is (language, variety, norm, origin), so that a number in
the model card can be followed back to a file. Language codes are BCP 47 primary subtags: the two-letter code where
one exists (`sc`, `it`, `en`), else the three-letter one (`fur`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from llimba.errors import StageError
from llimba.files import read_jsonl, write_jsonl


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every record carries. `id` is unique within its source and stable between runs."""

    id: str
    source: str  # the name of the source in the recipe
    license: str  # SPDX identifier, or the source's own words
    provenance: str  # URL, or file and offset
    variety: str = ""  # as declared by the source or labelled by the corpus stage
    norm: str = ""
    origin: str = "human"  # human | mt | generated
    engine: str = ""  # what translated or wrote it, where no human did
    back_translated: str = ""  # what made the other side out of this authentic text, of which all the rest is said
    role: str = "train"  # train | evaluate: an evaluation record is never trained on

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        """Build from a JSON object; a missing or unknown field is a `StageError`."""
        try:
            return cls(**row)
        except TypeError as error:
            raise StageError(f"a {cls.__name__} record has the wrong fields: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Record):
    """Running text in one language; paragraphs are separated by newlines."""

    text: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Record):
    """The same passage in two languages or more; `document` and `position` tell which text it comes from, and where."""

    texts: dict[str, str]  # language code -> text
    document: str = ""
    position: int = 0
    origins: dict[str, str] = field(default_factory=dict)  # language code -> origin, of a side whose origin is another


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation(Record):
    """Chat messages, each {"role": system|user|assistant, "content": str}, ending with the assistant."""

    messages: list[dict[str, str]] = field(default_factory=list)
    task: str = ""  # e.g. translation:en-sc
    rejected: str = ""  # preference data: the worse last answer; the better one is the last message

    @property
    def contents(self) -> list[str]:
        """Every text that is trained on, the rejected answer too."""
        return [*(message["content"] for message in self.messages), *([self.rejected] if self.rejected else [])]

    @property
    def lines(self) -> list[str]:
        """Every line of these texts."""
        return [line for text in self.contents for line in text.split("\n")]


R = TypeVar("R", bound="Record")


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Write records as JSON lines, atomically; returns how many."""
    return write_jsonl(path, (asdict(record) for record in records))


def read_records(path: Path, kind: type[R]) -> Iterator[R]:
    """Yield the records of a file written by `write_records`."""
    return (kind.from_row(row) for row in read_jsonl(path))
