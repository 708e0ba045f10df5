"""Stage 2, `corpus`: normalise, set aside, reject with a reason, decontaminate, and prove it.

Leaves `documents.jsonl`, `pairs.jsonl` and `conversations.jsonl` to train on; `held_out.jsonl` (documents for bits per
byte) and `evaluation.jsonl` (sentences for translation) to score on; `rejected.jsonl`, `contamination.jsonl` and
`foreign.jsonl`, where everything that was turned away stands with its reason; and the identifier, where one is trained.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llimba.corpus.foreign import foreign_lines, learn
from llimba.corpus.rules import Duplicates, Rejection, too_short
from llimba.corpus.split import held_out_documents, held_out_pairs
from llimba.decontaminate import EvaluationIndex
from llimba.errors import StageError
from llimba.files import write_jsonl
from llimba.recipe import Recipe
from llimba.records import Conversation, Document, Pair, Record, read_records, write_records
from llimba.text import normalize

if TYPE_CHECKING:
    from llimba.identify.identifier import Identifier

logger = logging.getLogger(__name__)

CONTAMINATED = Rejection("contaminated", "see contamination.jsonl", "none")


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Clean the sources' records; returns counts that add up exactly, words, and the contamination result."""
    documents, pairs, conversations = _read(inputs["sources"])
    aside_pairs = held_out_pairs([p for p in pairs if p.role == "train"], recipe.corpus, recipe.seed)
    aside_documents = held_out_documents(
        [d for d in documents if d.role == "train"], recipe.profile.code, recipe.corpus, recipe.seed
    )
    evaluation_pairs = [p for p in pairs if p.role == "evaluate" or p.id in aside_pairs]
    evaluation_documents = [d for d in documents if d.role == "evaluate" or d.id in aside_documents]
    index = EvaluationIndex(_sentences(evaluation_pairs, evaluation_documents))

    identifier = learn(recipe, documents, pairs)
    cleaner = _Cleaner(index, recipe, identifier)
    aside = {record.id for record in (*evaluation_pairs, *evaluation_documents)}
    kept_documents = [d for x in documents if x.id not in aside and (d := cleaner.document(x))]
    kept_pairs = [p for x in pairs if x.id not in aside and (p := cleaner.pair(x))]
    kept_conversations = [c for x in conversations if (c := cleaner.conversation(x))]

    held_out = _held_out(evaluation_pairs, evaluation_documents)
    write_records(out / "documents.jsonl", kept_documents)
    write_records(out / "pairs.jsonl", kept_pairs)
    write_records(out / "conversations.jsonl", kept_conversations)
    write_records(out / "held_out.jsonl", held_out)
    write_jsonl(out / "evaluation.jsonl", ({"id": p.id, "source": p.source, **p.texts} for p in evaluation_pairs))
    write_jsonl(out / "rejected.jsonl", cleaner.rejected)
    write_jsonl(out / "contamination.jsonl", cleaner.hits)
    write_jsonl(out / "foreign.jsonl", cleaner.foreign)
    if identifier is not None:
        identifier.save(out / "identifier.safetensors")

    counts = {
        "documents": cleaner.counts("documents", len(documents), len(kept_documents), len(evaluation_documents)),
        "pairs": cleaner.counts("pairs", len(pairs), len(kept_pairs), len(evaluation_pairs)),
        "conversations": cleaner.counts("conversations", len(conversations), len(kept_conversations), 0),
        "lines_removed": dict(cleaner.lines_removed),
    }
    _check(recipe, counts["documents"], kept_documents)
    surviving = _surviving(out, index)
    if surviving:
        raise StageError(f"corpus: {surviving} evaluation sentences survive in the training text: a bug of llimba's.")
    logger.info(
        "  %d documents and %d pairs to train on; %d sentences to score on; %d contaminated lines removed, 0 left",
        len(kept_documents), len(kept_pairs), len(evaluation_pairs), len(cleaner.hits),
    )  # fmt: skip
    return {
        "counts": counts,
        "words": {"train": _words(kept_documents), "held_out": _words(held_out)},
        "sources": _by_source(
            [*documents, *pairs, *conversations], [*kept_documents, *kept_pairs, *kept_conversations]
        ),
        "contamination": {
            "evaluation_sentences": len(index),
            "hits_removed": len(cleaner.hits),
            "surviving": surviving,
        },
    }


class _Cleaner:
    """Applies the rules to one record after another and keeps the account."""

    def __init__(self, index: EvaluationIndex, recipe: Recipe, identifier: "Identifier | None") -> None:
        self.rejected: list[dict[str, Any]] = []
        self.hits: list[dict[str, Any]] = []
        self.foreign: list[dict[str, Any]] = []
        self.lines_removed = Counter[str]()
        self._rejections = Counter[tuple[str, str]]()
        self._index, self._min_words, self._duplicates = index, recipe.corpus.min_words, Duplicates()
        self._identifier, self._target, self._trusted = identifier, recipe.profile.code, recipe.corpus.identify

    def document(self, document: Document) -> Document | None:
        """The document without foreign, contaminated and repeated lines, or None where a rule turns it away."""
        lines, foreign = [], self._foreign(document)
        for line in document.text.split("\n"):
            if line in foreign:
                self.lines_removed["other language"] += 1
            elif self._contaminated(document, line):
                self.lines_removed["contaminated"] += 1
            elif self._duplicates.line(document.language, line):
                self.lines_removed["repeated"] += 1
            else:
                lines.append(line)
        cleaned = replace(document, text="\n".join(lines))
        rejection = too_short(cleaned, self._min_words) or self._duplicates.document(cleaned)
        if rejection is None:
            return cleaned
        if foreign and rejection.rule == "too short":
            found = ", ".join(sorted(set(foreign.values())))
            rejection = Rejection("other language", found, document.language)
        self._reject("documents", document, rejection)
        return None

    def pair(self, pair: Pair) -> Pair | None:
        """The pair, or None where a side is contaminated or the whole is a duplicate."""
        hits = [self._contaminated(pair, text) for text in pair.texts.values()]  # every hit goes into the audit
        if any(hits):
            rejection: Rejection | None = CONTAMINATED
        else:
            rejection = self._duplicates.pair(pair)
        if rejection is None:
            return pair
        self._reject("pairs", pair, rejection)
        return None

    def conversation(self, conversation: Conversation) -> Conversation | None:
        """The conversation, or None where a line of it is contaminated."""
        lines = [line for message in conversation.messages for line in message["content"].split("\n")]
        hits = [self._contaminated(conversation, line) for line in lines]
        if any(hits):
            self._reject("conversations", conversation, CONTAMINATED)
            return None
        return conversation

    def counts(self, kind: str, total: int, kept: int, evaluation: int) -> dict[str, Any]:
        """The account of one record type; it must add up."""
        rejected = {rule: number for (of, rule), number in self._rejections.items() if of == kind}
        assert total == kept + evaluation + sum(rejected.values()), f"{kind}: the counts do not add up"
        return {"in": total, "kept": kept, "evaluation": evaluation, "rejected": rejected}

    def _foreign(self, document: Document) -> dict[str, str]:
        """Lines in another language, where documents of this source and language are looked at."""
        if self._identifier is None or document.language != self._target or document.source in self._trusted:
            return {}
        found = foreign_lines(document, self._identifier)
        self.foreign += [{"record": document.id, "language": code, "line": line} for line, code in found.items()]
        return found

    def _contaminated(self, record: Record, line: str) -> bool:
        hit = self._index.hit(line)
        if hit is not None:
            self.hits.append({"record": record.id, **hit._asdict(), "line": line})
        return hit is not None

    def _reject(self, kind: str, record: Record, rejection: Rejection) -> None:
        self._rejections[kind, rejection.rule] += 1
        self.rejected.append({**rejection._asdict(), "record": asdict(record)})


def _read(folder: Path) -> tuple[list[Document], list[Pair], list[Conversation]]:
    """All records of the sources, normalised; empty texts and one-sided pairs are left to the rules."""
    documents = [replace(d, text=normalize(d.text)) for d in read_records(folder / "documents.jsonl", Document)]
    pairs = [
        replace(p, texts={language: normalize(text).replace("\n", " ") for language, text in p.texts.items()})
        for p in read_records(folder / "pairs.jsonl", Pair)
    ]
    conversations = list(read_records(folder / "conversations.jsonl", Conversation))
    return documents, pairs, conversations


def _sentences(pairs: Iterable[Pair], documents: Iterable[Document]) -> Iterator[tuple[str, str]]:
    for pair in pairs:
        for text in pair.texts.values():
            yield pair.id, text
    for document in documents:
        yield document.id, document.text


def _held_out(pairs: Iterable[Pair], documents: Iterable[Document]) -> list[Document]:
    """Documents for bits per byte: each side of the evaluation pairs, put together by the text they come from."""
    texts: dict[tuple[str, str, str], list[Pair]] = {}
    for pair in pairs:
        for language in pair.texts:
            texts.setdefault((pair.source, pair.document, language), []).append(pair)
    joined = []
    for (source, name, language), parts in texts.items():
        first = parts[0]
        joined.append(
            Document(
                id=f"{source}:{language}:{name}", source=source, license=first.license, provenance=first.provenance,
                variety=first.variety, norm=first.norm, origin=first.origin, role="evaluate", language=language,
                text="\n".join(part.texts[language] for part in parts),
            )
        )  # fmt: skip
    return joined + [replace(document, role="evaluate") for document in documents]


def _check(recipe: Recipe, counts: dict[str, Any], kept: list[Document]) -> None:
    rejected = sum(counts["rejected"].values())
    if rejected > recipe.corpus.max_rejected * counts["in"]:
        raise StageError(
            f"corpus.max_rejected: {rejected} of {counts['in']} documents were turned away "
            f"({counts['rejected']}), more "
            f"than {recipe.corpus.max_rejected:.0%}. Look at rejected.jsonl; loosen the rule or mend the source."
        )
    if not any(document.language == recipe.profile.code for document in kept):
        raise StageError(
            f"corpus: no document in '{recipe.profile.code}' is left to train on (turned away: {counts['rejected']}). "
            "Add text, or loosen the rules under corpus."
        )


def _surviving(out: Path, index: EvaluationIndex) -> int:
    """Evaluation sentences found in what was written to be trained on: the proof is in the files, not in memory."""
    documents = (line for d in read_records(out / "documents.jsonl", Document) for line in d.text.split("\n"))
    pairs = (text for p in read_records(out / "pairs.jsonl", Pair) for text in p.texts.values())
    conversations = (
        line
        for c in read_records(out / "conversations.jsonl", Conversation)
        for message in c.messages
        for line in message["content"].split("\n")
    )
    return sum(index.hit(line) is not None for lines in (documents, pairs, conversations) for line in lines)


def _words(documents: Iterable[Document]) -> dict[str, int]:
    words = Counter[str]()
    for document in documents:
        words[document.language] += len(document.text.split())
    return dict(words)


def _by_source(records: list[Any], kept: list[Any]) -> dict[str, Any]:
    """For the card: what each source gave to train on, under which licence."""
    table: dict[str, Any] = {}
    for record in records:
        entry = {
            "license": record.license,
            "role": record.role,
            "documents": 0,
            "pairs": 0,
            "conversations": 0,
            "words": {},
        }
        table.setdefault(record.source, entry)
    for record in kept:
        entry = table[record.source]
        entry[f"{type(record).__name__.lower()}s"] += 1
        if isinstance(record, Document):
            entry["words"][record.language] = entry["words"].get(record.language, 0) + len(record.text.split())
    return table
