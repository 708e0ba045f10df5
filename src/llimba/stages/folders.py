"""What the first three stages leave for the later ones, as types: file names here, records to everybody else.

A stage that writes a file takes its path from here, a stage that reads gets records. The training stages and `evaluate`
have types of their own (`reports`), and so has what `corpus` counted (`corpus_facts`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llimba.records import Conversation, Document, Pair, read_records

if TYPE_CHECKING:
    from llimba.languages.identify.identifier import Identifier


@dataclass(frozen=True, slots=True)
class InstructFacts:
    """What later stages read in the manifest of `instruct`."""

    conversations: int  # to train on


@dataclass(frozen=True, slots=True)
class RecordFolder:
    """A folder with documents, pairs and conversations, one JSON Lines file each."""

    path: Path

    @property
    def documents_file(self) -> Path:
        """Running text."""
        return self.path / "documents.jsonl"

    @property
    def pairs_file(self) -> Path:
        """The same passage in several languages."""
        return self.path / "pairs.jsonl"

    @property
    def conversations_file(self) -> Path:
        """Chat messages."""
        return self.path / "conversations.jsonl"

    def documents(self) -> Iterator[Document]:
        """Every document, in the order of the file; so do the others."""
        return read_records(self.documents_file, Document)

    def pairs(self) -> Iterator[Pair]:
        """Every pair."""
        return read_records(self.pairs_file, Pair)

    def conversations(self) -> Iterator[Conversation]:
        """Every conversation."""
        return read_records(self.conversations_file, Conversation)


@dataclass(frozen=True, slots=True)
class SourcesFolder(RecordFolder):
    """What `sources` leaves: every record as it was read."""

    @property
    def quarantine_file(self) -> Path:
        """What could not be read, with the reason."""
        return self.path / "quarantine.jsonl"


@dataclass(frozen=True, slots=True)
class CorpusFolder(RecordFolder):
    """What `corpus` leaves: records to train on, records to score on, and an account of what was removed."""

    @property
    def held_out_file(self) -> Path:
        """Documents for bits per byte."""
        return self.path / "held_out.jsonl"

    @property
    def evaluation_file(self) -> Path:
        """Pairs to translate."""
        return self.path / "evaluation.jsonl"

    @property
    def rejected_file(self) -> Path:
        """Rejected records with rule, value and threshold."""
        return self.path / "rejected.jsonl"

    @property
    def contamination_file(self) -> Path:
        """Training lines that held an evaluation sentence."""
        return self.path / "contamination.jsonl"

    @property
    def foreign_file(self) -> Path:
        """Lines in another language, taken out of documents."""
        return self.path / "foreign.jsonl"

    @property
    def identifier_file(self) -> Path:
        """The close-language identifier, where the recipe has one trained."""
        return self.path / "identifier.safetensors"

    def held_out(self) -> Iterator[Document]:
        """Documents that nothing is trained on."""
        return read_records(self.held_out_file, Document)

    def evaluation(self) -> Iterator[Pair]:
        """Pairs that nothing is trained on."""
        return read_records(self.evaluation_file, Pair)

    def scored_texts(self) -> Iterator[tuple[str, str]]:
        """Everything that is scored on, in all languages: (record id, text)."""
        for pair in self.evaluation():
            yield from ((pair.id, text) for text in pair.texts.values())
        for document in self.held_out():
            yield document.id, document.text

    def identifier(self) -> "Identifier | None":
        """The trained identifier; None where there is none."""
        from llimba.languages.identify.identifier import Identifier

        return Identifier.load(self.identifier_file) if self.identifier_file.exists() else None


@dataclass(frozen=True, slots=True)
class InstructFolder:
    """What `instruct` leaves: the conversations that `sft` trains on."""

    path: Path

    @property
    def conversations_file(self) -> Path:
        """Conversations, copies of upsampled ones included."""
        return self.path / "conversations.jsonl"

    @property
    def back_translated_file(self) -> Path:
        """Pairs made of authentic sentences; empty where the recipe asks for none."""
        return self.path / "back_translated.jsonl"

    @property
    def rejected_file(self) -> Path:
        """Rejected rows with their reason."""
        return self.path / "rejected.jsonl"

    def conversations(self) -> Iterator[Conversation]:
        """Every conversation to train on."""
        return read_records(self.conversations_file, Conversation)
