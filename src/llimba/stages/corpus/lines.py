"""Lines that repeat: boilerplate is removed altogether, of any other repeated line the first copy is kept.

Memory stays flat: each task leaves its lines' hashes sorted on disk, and equal ones are brought together one part of
the hash space after another. datatrove's sentence deduplication does the same with a priority queue in Python, keeps
no account of where a line stood more than once, and cannot leave out documents that another rule has dropped.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from datatrove.data import Document as Carrier
from datatrove.pipeline.base import PipelineStep

LINE = np.dtype([("hash", "<u8"), ("document", "<u4"), ("line", "<u4"), ("source", "<u2")])
FOUND = np.dtype([("document", "<u4"), ("line", "<u4"), ("rule", "u1")])
RULES = ("repeated", "boilerplate")
STAYS = len(RULES)
AT_ONCE = 400_000  # lines brought together at a time: some 40 MB with the copies that sorting takes


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
    found: list[list[Any]] = [[] for _ in paths]
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
            found[rank].append(rows)
    out.mkdir(parents=True, exist_ok=True)
    for rank, rows in enumerate(found):
        table = np.concatenate(rows) if rows else np.empty(0, FOUND)
        np.save(out / f"{rank:05d}.npy", np.sort(table, order=["document", "line"]))


def _repeated(lines: Any, ranks: Any, boilerplate_documents: int | None) -> Iterator[tuple[int, Any]]:
    """The lines to remove among these, by task."""
    order = np.lexsort((lines["line"], lines["document"], ranks, lines["hash"]))
    lines, ranks = lines[order], ranks[order]
    starts = np.flatnonzero(np.r_[True, lines["hash"][1:] != lines["hash"][:-1]]) if len(lines) else np.empty(0, int)
    ends = np.r_[starts[1:], len(lines)].astype(int)
    rule = np.zeros(len(lines), "u1")
    rule[starts] = STAYS  # the first copy
    threshold = boilerplate_documents or len(lines) + 1
    large = ends - starts >= threshold
    for start, end in zip(starts[large], ends[large], strict=True):
        place = np.stack([lines["source"][start:end], ranks[start:end], lines["document"][start:end]])
        sources, documents = np.unique(np.unique(place, axis=1)[0], return_counts=True)
        boilerplate = np.isin(lines["source"][start:end], sources[documents >= threshold])
        rule[start:end][boilerplate] = 1
        if boilerplate[0] and not boilerplate.all():
            rule[start + int(np.argmin(boilerplate))] = STAYS  # the first copy in another source
    for rank in np.unique(ranks):
        mine = (ranks == rank) & (rule != STAYS)
        rows = np.empty(int(mine.sum()), FOUND)
        rows["document"], rows["line"], rows["rule"] = lines["document"][mine], lines["line"][mine], rule[mine]
        yield int(rank), rows


def removals(folder: Path, rank: int) -> dict[int, dict[int, str]]:
    """For one task, by document: which lines to remove, and under which rule."""
    found: dict[int, dict[int, str]] = {}
    for document, line, rule in np.load(folder / f"{rank:05d}.npy").tolist():
        found.setdefault(document, {})[line] = RULES[rule]
    return found
