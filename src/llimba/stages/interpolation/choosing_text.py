"""Text to choose weights by: neither trained on nor reported.

While a recipe runs it is a part of the corpus's own documents, which continued pretraining leaves out. For two finished
folders, of which nobody knows what they have read, it is half of the held-out documents, and scores then rest on the
other half alone.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace

from llimba.files import stable_fraction
from llimba.languages.text import fold
from llimba.records import Document, Pair, write_records
from llimba.stages.folders import CorpusFolder

SHARE = 0.1  # of a language's text, at most
PART = 4  # a document counts with a quarter of the bytes asked for, at most: as much of it as is looked at


def reserved_ids(documents: Iterable[Document], max_bytes: int) -> set[str]:
    """Ids of the documents to choose by: up to `max_bytes` in each language, at most a tenth of its text.

    Fixed by the ids alone, so that `cpt`, which leaves them out, and `sft`, which chooses by them, agree.
    """
    if not max_bytes:
        return set()
    sizes: dict[str, list[tuple[float, str, int]]] = {}
    for document in documents:
        rank = stable_fraction("choose", document.id)
        sizes.setdefault(document.language, []).append((rank, document.id, len(document.text.encode())))
    chosen: set[str] = set()
    for ranked in sizes.values():
        allowed = SHARE * sum(size for _, _, size in ranked)
        looked_at = 0
        for _, identifier, size in sorted(ranked):
            seen = min(size, max_bytes // PART)
            if size <= allowed and looked_at + seen <= max_bytes:
                chosen.add(identifier)
                allowed -= size
                looked_at += seen
    return chosen


def without_lines_of(pairs: Iterable[Pair], documents: Iterable[Document]) -> Iterator[Pair]:
    """The pairs no side of which is a line of the documents: who chooses by a text must not read it as a pair."""
    lines = {fold(line) for document in documents for line in document.text.split("\n")}
    for pair in pairs:
        if not any(fold(line) in lines for text in pair.texts.values() for line in text.split("\n")):
            yield pair


def split_held_out(corpus: CorpusFolder, left: CorpusFolder) -> list[Document]:
    """Half of a corpus's held-out text, to choose by; what may still be reported is written as the corpus `left`.

    The first half of the lines of every document chooses: aligned documents have the same sentences there in every
    language. A document of one line goes to one half or the other, in all its languages; and the rows to translate
    that stand in the first half are not reported.
    """
    choosing, reported = list[Document](), list[Document]()
    for document in corpus.held_out():
        lines = document.text.split("\n")
        cut = len(lines) // 2 if len(lines) > 1 else round(stable_fraction("choose", _text(document)))
        for half, part in ((choosing, lines[:cut]), (reported, lines[cut:])):
            if part:
                half.append(replace(document, text="\n".join(part)))
    write_records(left.held_out_file, reported)
    write_records(left.evaluation_file, without_lines_of(corpus.evaluation(), choosing))
    shutil.copyfile(corpus.pairs_file, left.pairs_file)
    if corpus.identifier_file.exists():
        shutil.copyfile(corpus.identifier_file, left.identifier_file)
    return choosing


def _text(document: Document) -> str:
    """What a document is in all its languages: its id without the language (`source:sc:name` is `source:name`)."""
    return document.id.replace(f":{document.language}:", ":", 1)
