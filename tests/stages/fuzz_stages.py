"""Whole stages on valid files with one thing wrong in each: sources, corpus and instruct, one after the other.

    python -m tests.stages.fuzz_stages 10000

`sources.fuzz` mutates bytes, which parsers refuse; here the files stay well-formed, and a value, a cell, a name or a
unit is what nobody expects. A stage may end in a `StageError`, which names the place, and in nothing else; rows must
add up, and every file that a stage leaves must be readable. Seeded: `python -m tests.stages.fuzz_stages 1 SEED NUMBER`
makes one run again. `test_fuzz_stages.py` does some in the suite.
"""

import copy
import csv
import functools
import io
import json
import os
import random
import shutil
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from llimba.errors import LlimbaError
from llimba.files import read_jsonl
from llimba.stages.corpus.stage import run as run_corpus
from llimba.stages.folders import CorpusFolder, InstructFolder, RecordFolder, SourcesFolder
from llimba.stages.instruct.stage import run as run_instruct
from llimba.stages.sources import local
from llimba.stages.sources.stage import run as run_sources
from tests.fakes import SENTENCES, recipe, recipe_content, write_text
from tests.stages.sources.fuzz import Kept
from tests.stages.sources.test_zipped import archive

HUGE = "@ a number of 5,000 digits @"  # put in where JSON is written: Python would not write it
ODD: list[Any] = [
    None, [], {}, "", " ", 0, -1, True, False, 1e308, 1e-320, float("nan"), float("inf"), 10**30, HUGE, 2**63,
    "x" * 70_000, "a " * 20_000, ["a"], [None], {"a": 1}, [[]], [[[]]], {"text": "a"}, "\ud83d", "\udfff a",
    "\ud800\ud800", "\0", "a\0b", "a\u2028b", "a\nb", "a\r\nb", "a\rb", "\ufeff", "\uffff", "\U0010ffff",
    "\u202e\u200b", "e\u0301" * 500, "\u0301", "..", "../../x", "%s", "{0}", "{{x}}", "${x}", "<|im_start|>",
    "<|im_end|>", "None", "null", "nan", "[]", "{}", "[{", "[[", '"', "'", '""', '"a', "a,b", "a\tb", "\\",
    "\\u0000", "<b>", "&#0;", "&amp;", "]]>", "<!--", "--", 3.5, 1, "1", "user", "system", "assistant",
    "tool", "sc", "it", "-->", "00:00:01,000 --> 00:00:02,000",
]  # fmt: skip
NAMES = [
    "a", "-a", " ", "a b", "a\nb", "a'b\"c", "é", "é" * 100, "a.b.c", "\udce9", "%s", "[x]", "*", "~", "a\u202eb", "#",
]  # fmt: skip
Rows = list[dict[str, Any]]
Writer = Callable[[Rows, random.Random], bytes]


def documents() -> Rows:
    return [
        {"id": n, "text": f"{a} {b}"}
        for n, (a, b) in enumerate(zip(SENTENCES["sc"], SENTENCES["sc"][3:], strict=False))
    ]


def pairs() -> Rows:
    return [{"id": n, "sc": SENTENCES["sc"][n], "it": SENTENCES["it"][n]} for n in range(6)]


def conversations() -> Rows:
    user, answer = {"role": "user", "content": "Ite est?"}, {"role": "assistant", "content": "Una domo manna."}
    rows: Rows = [
        {"id": 1, "task": "a", "messages": [{"role": "system", "content": "s"}, user, answer]},
        {
            "conversations": [
                {"from": "human", "value": "Ite est?", "weight": 1},
                {"from": "gpt", "value": "Una bidda."},
            ]
        },
        {"instruction": "Narami", "input": "una cosa", "output": "Su sole.", "system": "s", "history": [["a", "b"]]},
        {"prompt": "Ite est?", "completion": "Unu mare mannu."},
        {"prompt": [user], "chosen": [answer], "rejected": [{**answer, "content": "Una casa."}], "label": True},
        {"messages": [{**user, "content": [{"type": "text", "text": "Ite est?"}]}, {**answer, "tool_calls": None}]},
    ]
    rows = json.loads(json.dumps(rows))  # no turn is the same object twice
    return rows


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a value."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from nodes(value[key], (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from nodes(inner, (*path, place))


def wrong(rows: Rows, chance: random.Random) -> Rows:
    """The rows with one value replaced, left out or doubled, or a key renamed."""
    rows = copy.deepcopy(rows)
    *above, last = chance.choice([path for path in nodes(rows) if len(path) > 1])
    holder: Any = functools.reduce(lambda value, key: value[key], above, rows)
    change = chance.randrange(6)
    if change == 0:
        del holder[last]
    elif change == 1 and isinstance(holder, list):
        holder.append(holder[last])
    elif change == 2 and isinstance(holder, dict):
        holder[str(chance.choice(ODD))[:100]] = holder.pop(last)
    else:
        holder[last] = copy.deepcopy(chance.choice(ODD))
    return rows


def text_of(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def json_lines(rows: Rows, chance: random.Random) -> bytes:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    return lines.replace(f'"{HUGE}"', "1" + "0" * 5000).encode()


def json_array(rows: Rows, chance: random.Random) -> bytes:
    return b"[" + b",\n".join(json_lines(rows, chance).splitlines()) + b"]"


def table(delimiter: str) -> Writer:
    def write(rows: Rows, chance: random.Random) -> bytes:
        out = io.StringIO()
        header = list(dict.fromkeys(key for row in rows for key in row))
        quoting = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
        writer = csv.writer(out, delimiter=delimiter, quoting=quoting, escapechar="\\")  # type: ignore[arg-type]
        writer.writerow(header)
        for row in rows:
            writer.writerow([text_of(row.get(key))[:80_000] for key in header])
        return bytes_of(out.getvalue())

    return write


def parquet_file(rows: Rows, chance: random.Random) -> bytes:
    import pyarrow
    from pyarrow import parquet

    out = io.BytesIO()
    try:
        parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    except (pyarrow.ArrowException, UnicodeError, OverflowError, TypeError, ValueError):  # no such file can be written
        parquet.write_table(pyarrow.Table.from_pylist([{"text": None}, {"text": "a"}]), out)
    return out.getvalue()


def tmx(rows: Rows, chance: random.Random) -> bytes:
    units = (
        "<tu>"
        + "".join(f'<tuv xml:lang="{code}"><seg>{text_of(side)}</seg></tuv>' for code, side in row.items())
        + "</tu>"
        for row in rows
    )
    return bytes_of(f'<?xml version="1.0"?><tmx version="1.4"><header/><body>{"".join(units)}</body></tmx>')


def subtitle_file(rows: Rows, chance: random.Random) -> bytes:
    cues = (f"{n}\n00:00:{n:02d},000 --> 00:00:{n:02d},900\n{text_of(row.get('text'))}\n" for n, row in enumerate(rows))
    return bytes_of("\n".join(cues))


def prose(rows: Rows, chance: random.Random) -> bytes:
    return bytes_of("\n\n".join(text_of(row.get("text")) for row in rows))


def page(rows: Rows, chance: random.Random) -> bytes:
    body = "".join(f"<p>{text_of(row.get('text'))}</p>" for row in rows)
    return bytes_of(f"<html><body><article>{body}</article></body></html>")


def word(rows: Rows, chance: random.Random) -> bytes:
    from tests.stages.sources.test_office import word as written

    body = "".join(f"<w:p><w:r><w:t>{text_of(row.get('text'))}</w:t></w:r></w:p>" for row in rows)
    return written(body.encode("utf-8", "replace").decode())


def chat(rows: Rows, chance: random.Random) -> bytes:
    lines = (f"12/03/24, 21:{n:02d} - Maria: {text_of(row.get('text'))}" for n, row in enumerate(rows))
    return bytes_of("\n".join(lines))


def telegram(rows: Rows, chance: random.Random) -> bytes:
    messages = [{"id": 1, "type": "message", "date": "2024-03-12T21:14:00", **row} for row in rows]
    return json_lines([{"id": 7, "type": "x", "name": "y", "messages": messages}], chance)


def zip_file(rows: Rows, chance: random.Random) -> bytes:
    name = chance.choice([name for name in NAMES if "\udce9" not in name])
    return archive({f"{name}.jsonl": json_lines(rows, chance), "b/c.txt": prose(rows, chance)})


TABLES: dict[str, Writer] = {
    "jsonl": json_lines, "ndjson": json_lines, "json": json_array, "csv": table(","), "tsv": table("\t"),
    "parquet": parquet_file,
}  # fmt: skip
DOCUMENTS: dict[str, Writer] = TABLES | {
    "txt": prose, "md": prose, "html": page, "docx": word, "srt": subtitle_file, "vtt": subtitle_file, "zip": zip_file,
    "chat.txt": chat, "chat.json": telegram,
}  # fmt: skip
PAIRS: dict[str, Writer] = TABLES | {"tmx": tmx}
ROW_KINDS = ("jsonl", "ndjson", "json")  # whose rows stay as many, whatever is in them


def written(folder: Path, kinds: dict[str, Writer], rows: Rows, chance: random.Random) -> tuple[Path, str]:
    """A file (or the folder around it) of a kind with one thing wrong, and its kind."""
    kind = chance.choice(sorted(kinds))
    data = kinds[kind](wrong(rows, chance), chance)
    place = folder / "in"
    place.mkdir(parents=True)
    name = chance.choice(NAMES) if chance.random() < 0.2 else "a"
    path = place / f"{name}.{kind}"
    path.write_bytes(data)
    odd_name = any("\ud800" <= letter <= "\udfff" for letter in name)
    return (place if odd_name or chance.random() < 0.3 else path), kind


def one_run(folder: Path, chance: random.Random) -> str:
    """Three stages over a good recipe with an odd source more; how it ended. Raises what should not have come out."""
    name = chance.choice(("documents", "pairs", "talk"))
    kinds, rows, settings = {
        "documents": (DOCUMENTS, documents(), {"kind": "local", "language": "sc"}),
        "pairs": (PAIRS, pairs(), {"kind": "parallel", "pairs": ["sc", "it"], "documents": ["sc"]}),
        "talk": (TABLES, conversations(), {"kind": "local", "yields": "conversations"}),
    }[name]
    path, kind = written(folder / name, kinds, rows, chance)
    if name == "pairs" and path.is_dir():  # a folder of pairs is FLORES's, and a recipe cannot name this file
        path = next(path.iterdir()).rename(path / f"a.{kind}")
    if name == "documents" and chance.random() < 0.3:
        settings = settings | {"lines_per_document": 2}
    source = {"license": "CC0-1.0", "max_quarantined": 1.0, **settings, "path": str(path)}
    sources = {**recipe_content(folder)["sources"], name: source}
    loaded = recipe(folder, sources=sources, corpus={"min_words": 1, "max_rejected": 1.0})
    return _stages(loaded, folder / "out", name, kind, len(rows))


def _stages(loaded: Any, out: Path, name: str, kind: str, wanted: int) -> str:
    folders = {stage: out / stage for stage in ("sources", "corpus", "instruct")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    stage = "sources"
    try:
        facts = run_sources(loaded, {}, folders["sources"])["sources"][name]
        _readable(SourcesFolder(folders["sources"]))
        given = facts["documents"] + facts["conversations"] + sum(facts["skipped"].values())
        if name != "pairs" and kind in ROW_KINDS and not facts["trimmed"]:
            rows = given + sum(facts["quarantined"].values())
            assert wanted - 1 <= rows <= wanted + 1, f"{rows} rows of {wanted}: {facts}"
        stage = "corpus"
        run_corpus(loaded, folders, folders["corpus"])
        _readable(CorpusFolder(folders["corpus"]))
        stage = "instruct"
        run_instruct(loaded, folders, folders["instruct"])
        list(InstructFolder(folders["instruct"]).conversations())
    except LlimbaError as error:
        str(error).encode()
        return f"{stage} refused"
    return "all stages"


def _readable(folder: RecordFolder) -> None:
    for records in (folder.documents(), folder.pairs(), folder.conversations()):
        for _ in records:
            pass
    for path in folder.path.glob("*.jsonl"):
        list(read_jsonl(path))


def fuzz(count: int, seed: int, first: int = 0, seconds: float = 1e9) -> Counter[str]:
    """Runs `first` to `first + count`, each with random numbers of its own; returns how many ended in what."""
    ends, end = Counter[str](), time.monotonic() + seconds
    extractor, before = Kept(), local.Extractor
    paths = sysconfig.get_path
    # in memory, and without loguru's search for libraries at every log: half of a run would be these two
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    local.Extractor = lambda: extractor  # type: ignore[misc,assignment]
    sysconfig.get_path = functools.lru_cache(paths)
    try:
        for number in range(first, first + count):
            if time.monotonic() > end:
                break
            folder = Path(tempfile.mkdtemp(dir=memory, prefix="llimba-stages-"))
            try:
                write_text(folder)
                ends[one_run(folder, random.Random(f"{seed} {number}"))] += 1
            except Exception:
                print(f"run {number}: python -m tests.stages.fuzz_stages 1 {seed} {number}")
                raise
            finally:
                shutil.rmtree(folder)
    finally:
        local.Extractor = before  # type: ignore[misc]
        sysconfig.get_path = paths
        extractor.close()
    return ends


if __name__ == "__main__":
    import logging

    logging.disable(logging.WARNING)
    started = time.monotonic()
    count, seed, first = (int(argument) for argument in (*sys.argv[1:4], *("1", "0")[len(sys.argv) - 2 :]))
    found = fuzz(count, seed, first, float(os.environ.get("SECONDS", "1e9")))
    print(f"{found.total():,} runs of three stages in {time.monotonic() - started:.0f} s, no traceback: {dict(found)}")
