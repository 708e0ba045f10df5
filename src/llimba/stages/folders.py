"""What the first three stages leave for the later ones, as types: file names here, records to everybody else.

A stage that writes a file takes its path from here, a stage that reads gets records. The training stages and `evaluate`
have types of their own (`reports`), and so has what `corpus` counted (`corpus_facts`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from llimba.files import Folder, Within
from llimba.languages.identify.identifier import Identifier
from llimba.records import Conversation, Document, Pair, read_records


@dataclass(frozen=True, slots=True)
class InstructFacts:
    """What later stages read in the manifest of `instruct`."""

    conversations: int  # to train on
    duplicates: int = 0  # conversations whose questions and answers an earlier one has too
    duplicates_removed: int = 0  # of these; 0 where the recipe keeps them


class RecordFolder(Folder):
    """A folder with documents, pairs and conversations, one JSON Lines file each."""

    documents_file = Within("documents.jsonl")
    pairs_file = Within("pairs.jsonl")
    conversations_file = Within("conversations.jsonl")

    def documents(self) -> Iterator[Document]:
        """Every document, in the order of the file; so do the others."""
        return read_records(self.documents_file, Document)

    def pairs(self) -> Iterator[Pair]:
        """Every pair."""
        return read_records(self.pairs_file, Pair)

    def conversations(self) -> Iterator[Conversation]:
        """Every conversation."""
        return read_records(self.conversations_file, Conversation)


class SourcesFolder(RecordFolder):
    """What `sources` leaves: every record as it was read."""

    quarantine_file = Within("quarantine.jsonl")  # what could not be read, with the reason
    files_file = Within("files.jsonl")  # how much was taken of each file, or why nothing


class CorpusFolder(RecordFolder):
    """What `corpus` leaves: records to train on, records to score on, and an account of what was removed."""

    held_out_file = Within("held_out.jsonl")  # documents for bits per byte
    evaluation_file = Within("evaluation.jsonl")  # pairs to translate
    rejected_file = Within("rejected.jsonl")  # records with rule, value and threshold
    contamination_file = Within("contamination.jsonl")  # training lines that held an evaluation sentence
    foreign_file = Within("foreign.jsonl")  # lines in another language, taken out of documents
    identifier_file = Within("identifier.safetensors")  # where the recipe has one trained

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

    def identifier(self) -> Identifier | None:
        """The trained identifier; None where there is none."""
        return Identifier.load(self.identifier_file) if self.identifier_file.exists() else None


class PublishedFolder(Folder):
    """What `publish` leaves: folders to use, push and export."""

    model = Within("model")  # the finished model
    adapter = Within("adapter")  # for peft, after a method that trains one
    cpt = Within("cpt")  # the CPT checkpoint, where the recipe tunes it further


class InstructFolder(Folder):
    """What `instruct` leaves: the conversations that `sft` trains on."""

    conversations_file = Within("conversations.jsonl")  # copies of upsampled ones included
    back_translated_file = Within("back_translated.jsonl")  # pairs; empty where the recipe asks for none
    rejected_file = Within("rejected.jsonl")  # rows with their reason

    def conversations(self) -> Iterator[Conversation]:
        """Every conversation to train on."""
        return read_records(self.conversations_file, Conversation)
