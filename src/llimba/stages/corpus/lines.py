"""Lines that repeat: boilerplate is removed altogether, of any other long line that documents share one copy is kept.

Boilerplate is a line that many documents of one source have, and that is either long, or at the edge of nearly every
one of them (a menu, a footer, a notice), with nothing but such lines between it and the edge. A short line inside a
text is a refrain or somebody's answer and stays however often it comes; so does whatever a document repeats itself.

Memory stays flat: each task leaves its lines' hashes sorted on disk, and equal ones are brought together one part of
the hash space after another. datatrove's sentence deduplication does the same with a priority queue in Python, keeps
no account of where a line stood more than once, and cannot leave out documents that another rule has dropped.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from datatrove.data import Document as Carrier
from datatrove.pipeline.base import PipelineStep

LINE = np.dtype(
    [("hash", "<u8"), ("document", "<u4"), ("line", "<u4"), ("below", "<u4"), ("source", "<u2"), ("long", "?")]
)  # below: how many lines of the document come after it
FOUND = np.dtype([("document", "<u4"), ("line", "<u4"), ("rule", "u1")])
RULES = ("repeated", "boilerplate", "boilerplate")  # the last: where the line is at an edge
REPEATED, BOILERPLATE, AT_EDGE, STAYS = range(4)
LONG = 80  # characters of a line that no verse and no short answer has
AT_EDGES = 0.9  # of a short line's places, before it counts as boilerplate
AT_ONCE = 400_000  # lines brought together at a time: some 50 MB with the copies that sorting takes


class LineHashes(PipelineStep):  # type: ignore[misc]
    """Leaves a sorted table of this task's lines, and passes every document on."""

    type, name = "🫂 - DEDUPS", "llimba lines"

    def __init__(self, folder: Path, sources: list[str]) -> None:
        super().__init__()
        self.folder, self.sources = folder, {name: number for number, name in enumerate(sources)}

    def run(self, data: Iterable[Carrier] = (), rank: int = 0, world_size: int = 1) -> Iterator[Carrier]:
        """Hash every line with its language: the same line in two languages is no repetition."""
        parts: list[Any] = []
        for number, carrier in enumerate(data):
            language, source = carrier.metadata["language"], self.sources[carrier.metadata["source"]]
            lines = carrier.text.split("\n")
            part = np.empty(len(lines), LINE)
            part["hash"] = [xxhash.xxh3_64_intdigest(f"{language}\x1f{line}".encode()) for line in lines]
            part["document"], part["line"], part["source"] = number, np.arange(len(lines)), source
            part["below"], part["long"] = part["line"][::-1], [len(line) >= LONG for line in lines]
            parts.append(part)
            yield carrier
        table = np.concatenate(parts) if parts else np.empty(0, LINE)
        self.folder.mkdir(parents=True, exist_ok=True)
        np.save(self.folder / f"{rank:05d}.npy", np.sort(table, order=["hash", "document", "line"]))


def find_repeated(
    folder: Path, out: Path, tasks: int, dropped: Mapping[int, Collection[int]], boilerplate_documents: int | None
) -> None:
    """Write for each task which lines of which documents to remove: `out/<task>.npy`, rows of `FOUND`.

    `dropped` has, by task, documents that another rule rejected: their lines are not counted.
    """
    paths = [folder / f"{rank:05d}.npy" for rank in range(tasks)]
    parts = max(1, -(-sum(len(np.load(path, mmap_mode="r")) for path in paths) // AT_ONCE))
    bounds = [part * 2**64 // parts for part in range(parts)] + [2**64 - 1]
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        found = [stack.enter_context((out / f"{rank:05d}.rows").open("wb")) for rank in range(tasks)]
        for low, high in pairwise(bounds):
            last = high == 2**64 - 1
            pieces, ranks = [], []
            for rank, path in enumerate(paths):
                table = np.load(path, mmap_mode="r")  # opened anew for each part, so that pages read are given back
                ends = np.array([low, high], "<u8")
                first, end = np.searchsorted(table["hash"], ends, side="left")
                piece = np.array(table[first : len(table) if last else end])
                piece = piece[~np.isin(piece["document"], list(dropped.get(rank, ())))]
                pieces.append(piece)
                ranks.append(np.full(len(piece), rank, "<u4"))
            for rank, rows in _repeated(np.concatenate(pieces), np.concatenate(ranks), boilerplate_documents):
                rows.tofile(found[rank])
    places, edges = Counter[int](), Counter[int]()
    for rank in range(tasks):
        rows = _rows(out, rank)
        short = rows["rule"] == AT_EDGE
        places.update(rows["key"][short].tolist())
        edges.update(rows["key"][short & _reached(rows)].tolist())
    agreed = np.array([key for key, number in places.items() if edges[key] >= AT_EDGES * number], "<u8")
    for rank in range(tasks):
        rows = _rows(out, rank)
        rows = rows[(rows["rule"] != AT_EDGE) | np.isin(rows["key"], agreed)]
        rows = rows[(rows["rule"] != AT_EDGE) | _reached(rows)]
        table = np.empty(len(rows), FOUND)
        for name in FOUND.names or ():
            table[name] = rows[name]
        np.save(out / f"{rank:05d}.npy", table)


# a line that may go; `key` is that of equal lines in one source
ROW = np.dtype([("key", "<u8"), ("document", "<u4"), ("line", "<u4"), ("below", "<u4"), ("rule", "u1")])


def _rows(folder: Path, rank: int) -> Any:
    """What one task's lines came to, in the order of its documents."""
    return np.sort(np.fromfile(folder / f"{rank:05d}.rows", ROW), order=["document", "line"])


def _reached(rows: Any) -> Any:
    """Which lines have nothing but lines of `rows` between them and an edge of their document."""
    number = np.arange(len(rows))
    first = np.r_[True, rows["document"][1:] != rows["document"][:-1]] if len(rows) else np.empty(0, bool)
    last = np.r_[first[1:], True] if len(rows) else first
    begins = np.maximum.accumulate(np.where(first, number, 0))
    ends = np.minimum.accumulate(np.where(last, number, len(rows))[::-1])[::-1]
    return (rows["line"] == number - begins) | (rows["below"] == ends - number)


def _repeated(lines: Any, ranks: Any, boilerplate_documents: int | None) -> Iterator[tuple[int, Any]]:
    """The lines among these that may go, by task."""
    order = np.lexsort((lines["line"], lines["document"], ranks, lines["hash"]))
    lines, ranks = lines[order], ranks[order]
    starts = np.flatnonzero(np.r_[True, lines["hash"][1:] != lines["hash"][:-1]]) if len(lines) else np.empty(0, int)
    ends = np.r_[starts[1:], len(lines)].astype(int)
    rule = np.full(len(lines), STAYS, "u1")
    threshold = boilerplate_documents or len(lines) + 1
    several = ends - starts > 1
    for start, end in zip(starts[several], ends[several], strict=True):
        long = bool(lines["long"][start])
        if not long and end - start < threshold:
            continue
        group = slice(start, end)
        place = np.stack([lines["source"][group], ranks[group], lines["document"][group]])
        sources, documents = np.unique(np.unique(place, axis=1)[0], return_counts=True)
        boilerplate = np.isin(lines["source"][group], sources[documents >= threshold])
        rule[group][boilerplate] = BOILERPLATE if long else AT_EDGE
        if long and not boilerplate.all():
            kept = place[1:, int(np.argmin(boilerplate))]  # the first document that is no site's
            rule[group][~boilerplate & (place[1:] != kept[:, None]).any(axis=0)] = REPEATED
    for rank in np.unique(ranks):
        mine = (ranks == rank) & (rule != STAYS)
        rows = np.empty(int(mine.sum()), ROW)
        rows["key"] = lines["hash"][mine] ^ (lines["source"][mine].astype("<u8") << np.uint64(48))
        rows["document"], rows["line"], rows["below"] = (lines[name][mine] for name in ("document", "line", "below"))
        rows["rule"] = rule[mine]
        yield int(rank), rows


def removals(folder: Path, rank: int) -> dict[int, dict[int, str]]:
    """For one task, by document: which lines to remove, and under which rule."""
    found: dict[int, dict[int, str]] = {}
    for document, line, rule in np.load(folder / f"{rank:05d}.npy").tolist():
        found.setdefault(document, {})[line] = RULES[rule]
    return found
