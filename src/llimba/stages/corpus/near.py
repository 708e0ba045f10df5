"""Near-duplicates: MinHash finds candidates, exact Jaccard decides, the better-provenanced copy stays.

Signatures are datatrove's step and file format, computed by rensa (Rust; 128 permutations, 32 bands of 4: at a Jaccard
of 0.7 every pair planted was a candidate, `benchmarks/corpus.py`). What datatrove lacks, and this adds, is the check of
the candidates and the choice of the copy to keep.
"""

import itertools
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from datatrove.utils.hashing import HashConfig
from datatrove.utils.word_tokenizers import WhitespaceTokenizer
from rensa import RMinHash

from llimba.languages.text import fold
from llimba.records import Document
from llimba.stages.corpus.tables import shard

WORDS, BANDS, ROWS = 5, 32, 4  # of a shingle; bands of a signature; hashes of a band
CONFIG = MinhashConfig(n_grams=WORDS, num_buckets=BANDS, hashes_per_bucket=ROWS, hash_config=HashConfig(precision=32))
HELD = 128  # sets of shingles in memory: a page's takes 60 kB, and candidates come in the order of their first page
SIGNATURE = np.dtype([("band", "<u4", ROWS), ("document", "<u4")])
ORIGINS = ("human", "mt", "generated")  # from the best provenance to the worst

Place = tuple[int, int]  # task, document within it


class Twin(NamedTuple):
    """Why a document goes: the copy that stays, and how alike they are."""

    kept: str
    jaccard: float


def shingles(text: str) -> set[str]:
    """Runs of five words, folded; a shorter text is one run."""
    words = fold(text).split()
    starts = range(max(1, len(words) - WORDS + 1)) if words else ()
    return {" ".join(words[start : start + WORDS]) for start in starts}


def jaccard(one: set[str], other: set[str]) -> float:
    """Shared runs among all runs."""
    return len(one & other) / len(one | other) if one or other else 0.0


class Signatures(MinhashDedupSignature):  # type: ignore[misc]
    """datatrove's first MinHash step over our shingles."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), CONFIG, WhitespaceTokenizer())

    def get_shingles(self, text: str) -> Any:
        """The shingles of a text, as strings."""
        return np.array(sorted(shingles(text)), dtype=object)

    def get_signature(self, shingles: Any) -> list[list[int]]:
        """Bands of four 32-bit hashes."""
        sketch = RMinHash(num_perm=BANDS * ROWS, seed=CONFIG.seed)
        sketch.update(shingles.tolist())
        digest = sketch.digest()
        return [digest[start : start + ROWS] for start in range(0, BANDS * ROWS, ROWS)]


def candidates(folder: Path, tasks: int) -> list[tuple[Place, Place]]:
    """Pairs of documents that share a band: each of a group with the group's first and with the one before it."""
    found: set[tuple[Place, Place]] = set()
    for band in range(BANDS):
        bucket = folder / f"bucket_{band:03d}"
        tables = [np.fromfile(bucket / f"{rank:05d}.minhash.sig", SIGNATURE) for rank in range(tasks)]
        rows = np.concatenate(tables)
        ranks = np.repeat(np.arange(tasks), [len(table) for table in tables])
        order = np.lexsort((rows["document"], ranks, *rows["band"].T[::-1]))
        rows, ranks = rows[order], ranks[order]
        same = np.r_[False, (rows["band"][1:] == rows["band"][:-1]).all(axis=1)] if len(rows) else np.empty(0, bool)
        first = 0
        for here in np.flatnonzero(same).tolist():
            if not same[here - 1]:
                first = here - 1
            place = (int(ranks[here]), int(rows["document"][here]))
            for there in {first, here - 1}:
                found.add(((int(ranks[there]), int(rows["document"][there])), place))
    return sorted(found)


class Texts:
    """The documents of the shards by place, without holding them: offsets of the lines, and the last few texts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[int, Any] = {}
        self.shingles = lru_cache(maxsize=HELD)(self._shingles)

    def document(self, place: Place) -> Document:
        """Read one document."""
        rank, number = place
        if rank not in self._offsets:
            with shard(self._folder, rank).open("rb") as handle:
                self._offsets[rank] = np.array([0, *itertools.accumulate(map(len, handle))], "<u8")
        with shard(self._folder, rank).open("rb") as handle:
            handle.seek(int(self._offsets[rank][number]))
            return Document.from_row(json.loads(handle.readline()))

    def _shingles(self, place: Place) -> set[str]:
        return shingles(self.document(place).text)


def twins(texts: Texts, pairs: list[tuple[Place, Place]], threshold: float, sources: list[str]) -> dict[Place, Twin]:
    """The documents that go, each with the copy that stays. Sources named earlier in the recipe are better ones."""
    alike: dict[Place, set[Place]] = {}
    for one, other in pairs:
        near = jaccard(texts.shingles(one), texts.shingles(other)) >= threshold
        if near and texts.document(one).language == texts.document(other).language:
            alike.setdefault(one, set()).add(other)
            alike.setdefault(other, set()).add(one)
    order = {name: number for number, name in enumerate(sources)}

    def worth(place: Place) -> tuple[int, int, int, Place]:
        document = texts.document(place)
        return ORIGINS.index(document.origin), order[document.source], -len(document.text), place

    gone: dict[Place, Twin] = {}
    for group in _groups(alike):
        kept: list[Place] = []  # of a chain of likenesses, the far ends may both stay
        for place in sorted(group, key=worth):
            values = [jaccard(texts.shingles(place), texts.shingles(other)) for other in kept]
            if values and max(values) >= threshold:
                better = kept[values.index(max(values))]
                gone[place] = Twin(texts.document(better).id, round(max(values), 4))
            else:
                kept.append(place)
    return gone


def _groups(alike: dict[Place, set[Place]]) -> Iterator[list[Place]]:
    """Connected documents."""
    seen: set[Place] = set()
    for start in sorted(alike):
        if start in seen:
            continue
        group, waiting = [], [start]
        seen.add(start)
        while waiting:
            place = waiting.pop()
            group.append(place)
            for neighbour in alike[place]:
                if neighbour not in seen:
                    seen.add(neighbour)
                    waiting.append(neighbour)
        yield group
