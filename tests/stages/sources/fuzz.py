"""Mutated files through every reader: nothing but records, quarantine and `StageError` may come out.

    python -m tests.stages.sources.fuzz 10000

`test_fuzz.py` runs a few hundred of these in the suite; `make fuzz` runs ten thousand. The mutations are seeded, so a
failure is found again. hypothesis shrinks examples well, but spends its time on data that no reader looks at twice.
"""

import bz2
import gzip
import json
import lzma
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

from llimba.errors import StageError
from llimba.recipe import AnySource, LocalSource, ParallelSource, WebSource, WikipediaSource
from llimba.stages.sources import isolated, local, web
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.stage import load
from tests.fakes import intake

TALK = json.dumps({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})
NASTY = [b"\0", b"\xff", b"\xf0\x9f", b"[" * 5000, b'"', b"<!ENTITY a 'b'>", b"../../etc/passwd", b"\r", b"\n",
         b"1e999", b"\xed\xa0\x80", b"-1", b"4294967295", b"{}", b"null", b"\t\t"]  # fmt: skip


def seeds(folder: Path) -> dict[str, bytes]:
    """A small valid file for every reader."""
    import pyarrow
    from pyarrow import parquet

    from tests.stages.sources.test_aligned import TMX
    from tests.stages.sources.test_epub import book
    from tests.stages.sources.test_extract import PAGE
    from tests.stages.sources.test_pdf import paper
    from tests.stages.sources.test_web import warc
    from tests.stages.sources.test_wikipedia import ARTICLE, dump, page

    texts = b'{"text": "Su sole essit dae su mare.", "sc": "sole", "it": "sole"}\n{"text": "b", "sc": "c", "it": "d"}\n'
    parquet.write_table(pyarrow.Table.from_pylist([{"text": "unu"}, {"text": "duos"}]), folder / "seed.parquet")
    warc(folder / "seed.warc.gz", {"https://example.org/1": ("200 OK", PAGE)})
    warc(folder / "seed.warc", {"https://example.org/1": ("200 OK", PAGE)})
    return {
        "local.txt": b"Su sole essit.\nSa luna puru.\n",
        "local.md": b"# Tit\n\nUnu *testu* `x`.\n",
        "local.jsonl": texts,
        "local.csv": b'text,n\n"unu, duos",1\ntres,2\n',
        "local.tsv": b"text\tn\nunu\t1\n",
        "local.parquet": (folder / "seed.parquet").read_bytes(),
        "local.jsonl.gz": gzip.compress(texts),
        "local.txt.bz2": bz2.compress(texts),
        "local.txt.xz": lzma.compress(texts),
        "local.txt.zst": zstandard.ZstdCompressor().compress(texts),
        "local.html": PAGE,
        "local.epub": book(),
        "local.pdf": paper(),
        "talk.jsonl": (TALK + "\n" + TALK + "\n").encode(),
        "web.html": PAGE,
        "web.warc": (folder / "seed.warc").read_bytes(),
        "web.warc.gz": (folder / "seed.warc.gz").read_bytes(),
        "parallel.jsonl": texts,
        "parallel.tsv": b"sc\tit\nunu\tuno\n",
        "parallel.csv": b"sc,it\nunu,uno\n",
        "parallel.tmx": TMX.encode(),
        "wikipedia.xml": dump(page(1, "A", ARTICLE), page(2, "B", "Su mare.")),
        "wikipedia.xml.bz2": bz2.compress(dump(page(1, "A", "Su mare est mannu."))),
    }


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One to six changes: bits, bytes, pieces cut, doubled, moved, nasty ones put in, the end torn off."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        if not out:
            break
        at, size = chance.randrange(len(out)), chance.choice((1, 2, 8, 64))
        change = chance.randrange(7)
        if change == 0:
            out[at] ^= 1 << chance.randrange(8)
        elif change == 1:
            out[at : at + size] = chance.randbytes(size)
        elif change == 2:
            del out[at : at + size]
        elif change == 3:
            out[at:at] = out[at : at + size] * chance.choice((1, 3, 100))
        elif change == 4:
            out[at:at] = chance.choice(NASTY)
        elif change == 5:
            del out[at:]
        else:
            piece = bytes(out[at : at + size])
            del out[at : at + size]
            out[chance.randrange(len(out) + 1) :][:0] = piece
    return bytes(out)


def read(kind: str, path: Path) -> tuple[int, Intake]:
    """All records of a file through the source of its kind."""
    common: dict[str, Any] = {"license": "x", "path": path}
    sources: dict[str, Callable[[], AnySource]] = {
        "local": lambda: LocalSource(kind="local", language="sc", **common),
        "talk": lambda: LocalSource(kind="local", yields="conversations", **common),
        "web": lambda: WebSource(kind="web", language="sc", **common),
        "parallel": lambda: ParallelSource(kind="parallel", pairs=["sc", "it"], documents=["sc"], **common),
        "wikipedia": lambda: WikipediaSource(kind="wikipedia", language="sc", **common),
    }
    source = sources[kind]()
    reading: Intake = intake(source)
    return sum(1 for _ in load(source, reading)), reading


class Kept(isolated.Extractor):
    """One parsing process for all files: a new one for each would take a second."""

    def __exit__(self, *error: Any) -> None:
        """Stay."""


def fuzz(count: int, seed: int, folder: Path) -> Counter[str]:
    """Read `count` mutated files; returns how many ended in what. Raises whatever should not have come out."""
    chance, ends = random.Random(seed), Counter[str]()
    originals = seeds(folder)
    names = sorted(originals)
    extractor = Kept()
    modules: list[Any] = [local, web]
    before = [module.Extractor for module in modules]
    try:
        for module in modules:
            module.Extractor = lambda: extractor
        for number in range(count):
            name = names[number % len(names)]
            path = folder / f"x{name[name.index('.') :]}"
            path.write_bytes(mutated(originals[name], chance))
            try:
                records, reading = read(name.partition(".")[0], path)
            except StageError:
                ends["an error that names the place"] += 1
                continue
            except Exception:
                kept = Path(tempfile.gettempdir()) / f"llimba-fuzz-{number}-{name}"
                kept.write_bytes(path.read_bytes())
                print(f"case {number} ({name}, seed {seed}) is kept as {kept}")
                raise
            what = "records" if records else "nothing"
            ends[f"{what}{' and quarantine' if reading.quarantined else ''}"] += 1
    finally:
        for module, original in zip(modules, before, strict=True):
            module.Extractor = original
        extractor.close()
    return ends


if __name__ == "__main__":
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        found = fuzz(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1, Path(name))
    print(
        f"{found.total():,} mutated files in {time.monotonic() - started:.0f} s, no unhandled exception: {dict(found)}"
    )
