"""In = out + set apart, in rows, for every format with rows: files with broken rows that a seeded generator writes.

Each file holds rows of random text and a few rows with one fault each. The unharmed rows must come out exactly as they
were written, and every broken one must be counted, however many rows a careless reader would lose after it.
"""

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow
import pytest
from pyarrow import parquet

from llimba.recipe import LocalSource, ParallelSource
from llimba.records import Pair
from llimba.stages.sources.aligned import rows as aligned_rows
from llimba.stages.sources.columns import Columns
from llimba.stages.sources.local import load
from llimba.stages.sources.stage import load as load_any
from llimba.stages.sources.tables import rows
from tests.fakes import intake

Cells = dict[str, str]
Broken = Callable[[random.Random, Cells], bytes]
WORDS = ["su", "sole", "🌞", "हिन्दी", "շատ", "«mannu»", "l'abba", '5"', "a;b", "|", "{x}", "[y]", "<b>", "&", "è"]
SEEDS = range(25)


def text(chance: random.Random, *extra: str) -> str:
    return " ".join(chance.choices([*WORDS, *extra], k=chance.randint(1, 12)))


def generated(chance: random.Random, *extra: str) -> list[Cells]:
    count = chance.randint(1, 120)
    return [{"sc": f"{n} {text(chance, *extra)}", "it": f"{n} {text(chance, *extra)}"} for n in range(count)]


def csv_line(cells: Cells, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerow(cells.values())  # type: ignore[arg-type]
    return out.getvalue().encode()


CSV: dict[str, Broken] = {
    "an open quote": lambda chance, cells: f'"{chance.choice(("unu duos", "a,b"))},10\n'.encode(),
    "an open quote at the end": lambda chance, cells: b'unu,"duos\n',
    "text after a quote": lambda chance, cells: b'"unu"duos,tres\n',
    "a carriage return": lambda chance, cells: b"unu\rduos,10\n",
    "a field too few": lambda chance, cells: b"unu\n",
    "a field too many": lambda chance, cells: b"unu,duos,tres\n",
    "Latin-1": lambda chance, cells: "perché,perché\n".encode("latin1"),
    "NUL": lambda chance, cells: b"un\0u,duos\n",
}
TSV: dict[str, Broken] = {
    "a carriage return": lambda chance, cells: b"un\ru\tduos\n",
    "a tab too many": lambda chance, cells: b"unu\tduos\ttres\n",
    "no tab": lambda chance, cells: b"unu\n",
    "Latin-1": lambda chance, cells: "perché\tx\n".encode("latin1"),
    "NUL": lambda chance, cells: b"un\0u\tduos\n",
}
JSON: dict[str, Broken] = {
    "torn": lambda chance, cells: b'{"sc": "unu", "it": "du',
    "half an emoji": lambda chance, cells: b'{"sc": "a \\ud83d", "it": "b"}',
    "a list": lambda chance, cells: b'{"sc": ["unu"], "it": "b"}',
    "an object": lambda chance, cells: b'{"sc": {"a": 1}, "it": "b"}',
    "a number": lambda chance, cells: b'{"sc": 5, "it": "b"}',
    "NaN": lambda chance, cells: b'{"sc": NaN, "it": "b"}',
    "a huge number": lambda chance, cells: b'{"sc": "a", "it": 1' + b"0" * 5000 + b"}",
    "a key twice": lambda chance, cells: b'{"sc": "a", "it": "b", "it": "c"}',
    "no column": lambda chance, cells: b'{"sc": "a"}',
    "NUL": lambda chance, cells: b'{"sc": "a\\u0000", "it": "b"}',
    "Latin-1": lambda chance, cells: '{"sc": "perché", "it": "b"}'.encode("latin1"),
    "no object": lambda chance, cells: b"17",
    "a list of ids": lambda chance, cells: b'{"sc": "a", "it": "b", "id": [1]}',
    "a bare word": lambda chance, cells: b'{"sc": undefined, "it": "b"}',
    "a line end in a string": lambda chance, cells: b'{"sc": "a\tb", "it": "c"}',
}
TMX: dict[str, Broken] = {
    "a control character": lambda chance, cells: b"<tu><tuv xml:lang='sc'><seg>a &#x1F; b</seg></tuv></tu>",
    "no end": lambda chance, cells: b"<tu><tuv xml:lang='sc'><seg>a</seg></tuv>",
    "no beginning": lambda chance, cells: b"<tuv xml:lang='sc'><seg>a</seg></tuv></tu>",
    "an ampersand": lambda chance, cells: b"<tu><tuv xml:lang='sc'><seg>a & b</seg></tuv></tu>",
    "tags that cross": lambda chance, cells: b"<tu><tuv xml:lang='sc'><seg><hi>a</seg></hi></tuv></tu>",
    "Latin-1": lambda chance, cells: "<tu><tuv xml:lang='sc'><seg>perché</seg></tuv></tu>".encode("latin1"),
    "an entity": lambda chance, cells: b"<tu><tuv xml:lang='sc'><seg>&bomb;</seg></tuv></tu>",
}


def unit(cells: Cells) -> bytes:
    variants = (
        f'<tuv xml:lang="{code}"><seg>{escape(side)}</seg></tuv>'
        for code, side in (("sc", cells["sc"]), ("it_IT", cells["it"]))
    )
    return f"<tu>{''.join(variants)}</tu>".encode()


def file_of(kind: str, chance: random.Random, good: list[Cells], faults: list[str]) -> bytes:
    """A file of a kind with the good rows, and a broken one of each of these faults at a random place."""
    written: dict[str, tuple[dict[str, Broken], Callable[[Cells], bytes]]] = {
        "csv": (CSV, csv_line),
        "tsv": (TSV, lambda cells: "\t".join(cells.values()).encode() + b"\n"),
        "jsonl": (JSON, lambda cells: json.dumps(cells, ensure_ascii=False).encode()),
        "json": (JSON, lambda cells: json.dumps(cells, ensure_ascii=False, indent=chance.choice((None, 1))).encode()),
        "tmx": (TMX, unit),
    }
    broken, write = written[kind]
    parts = [write(cells) for cells in good]
    for fault in faults:
        parts.insert(chance.randint(0, len(parts)), broken[fault](chance, {}))
    if kind in ("csv", "tsv"):
        return b"sc,it\n".replace(b",", b"," if kind == "csv" else b"\t") + b"".join(parts)
    if kind == "json":
        return b"[" + chance.choice((b",", b",\n", b"\n, ")).join(parts) + b"]"
    if kind == "jsonl":
        return b"\n".join(parts)
    return b'<?xml version="1.0"?><tmx><header/><body>' + b"\n".join(parts) + b"</body></tmx>"


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "tmx"])
@pytest.mark.parametrize("seed", SEEDS)
def test_rows_add_up_whatever_is_wrong_with_some(tmp_path: Path, kind: str, seed: int) -> None:
    chance = random.Random(f"{kind} {seed}")
    # a cell of a CSV may hold line ends, and quotes are doubled in it
    good = generated(chance, *(('"', "\n", ",") if kind == "csv" else ()))
    known = {"csv": CSV, "tsv": TSV, "jsonl": JSON, "json": JSON, "tmx": TMX}[kind]
    faults = chance.sample(sorted(known), chance.randint(0, 3))
    path = tmp_path / f"a.{kind}"
    path.write_bytes(file_of(kind, chance, good, faults))
    source = ParallelSource(kind="parallel", path=path, pairs=["sc", "it"], license="x", max_quarantined=1)
    reading = intake(source)
    found = [cells for _, cells in aligned_rows(source, reading)]
    assert (len(found), reading.quarantined.total()) == (len(good), len(faults)), (faults, reading.first_quarantined)
    expected = [{code: " ".join(side.split()) for code, side in cells.items()} for cells in good]
    assert [{code: " ".join(side.split()) for code, side in cells.items()} for cells in found] == expected


@pytest.mark.parametrize("piece", [b'"unu duos,10\n', b"unu\rduos,10\n", b'unu,"10\n', b'"unu" duos,10\n'])
@pytest.mark.parametrize("place", [0, 10, 989])
def test_one_broken_row_of_a_thousand_costs_one(tmp_path: Path, piece: bytes, place: int) -> None:
    lines = [f"unu duos tres {n},{n}\n".encode() for n in range(990)]
    lines.insert(place, piece)
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,n\n" + b"".join(lines))
    reading = intake()
    assert len(list(rows(path, reading, columns=Columns(("text",))))) == 990
    assert reading.quarantined == {"broken row": 1}


def test_two_stray_quotes_do_not_make_one_cell_of_the_rows_between(tmp_path: Path) -> None:
    lines = [f"unu duos {n},{n}\n" for n in range(300)]
    lines[10], lines[200] = '"unu duos,10\n', 'tres 5",200\n'
    (tmp_path / "a.csv").write_text("text,n\n" + "".join(lines))
    reading = intake()
    assert len(list(rows(tmp_path / "a.csv", reading))) == 299
    assert reading.quarantined == {"broken row": 1}


def test_a_poem_in_a_cell_stays_one_cell(tmp_path: Path) -> None:
    poem = "\n".join(f"Su sole essit, {n}" for n in range(5)) + '\n"Eja", at naradu'
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,n\n" + csv_line({"a": poem, "b": "1"}) + b"unu,2\n")
    reading = intake()
    assert [row["text"] for _, row in rows(path, reading)] == [poem, "unu"]
    assert not reading.quarantined


def test_a_file_without_its_columns_counts_all_its_rows(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, header in (("a.csv", "wrong,n"), ("b.csv", "text,text"), ("c.csv", 'te"xt"\x00"')):
        (tmp_path / "in" / name).write_text(f"{header}\n" + "unu,1\n" * 50)
    parquet.write_table(pyarrow.Table.from_pylist([{"wrong": "unu"}] * 50), tmp_path / "in" / "d.parquet")
    (tmp_path / "in" / "e.txt").write_text("Su sole")
    source = LocalSource(kind="local", path=tmp_path / "in", language="sc", license="x")
    reading = intake(source)
    assert len(list(load(source, reading))) == 1
    assert reading.quarantined == {"no column 'text'": 150, "columns of the same name": 50}


@pytest.mark.parametrize("content", ["", "text,n\n", "\n\n"])
def test_a_table_without_rows_is_counted(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    source = LocalSource(kind="local", path=tmp_path / "a.csv", language="sc", license="x")
    reading = intake(source)
    assert list(load(source, reading)) == []
    assert reading.skipped.total() + reading.quarantined.total() == 1


def test_parquet_rows_that_cannot_be_read_are_counted_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    raw = pyarrow.array([b"unu", b"caf\xe9", b"tres"] * 200, pyarrow.binary()).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"text": raw}), path, row_group_size=100)
    reading = intake()
    assert len(list(rows(path, reading))) == 400
    assert reading.quarantined == {"broken row": 200}


def test_a_broken_row_group_counts_its_rows_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"riga {n} {n * 7919}" for n in range(1000)]
    parquet.write_table(
        pyarrow.table({"text": texts}), path, row_group_size=100, use_dictionary=False, compression="NONE"
    )
    data = bytearray(path.read_bytes())
    at = data.index(b"riga 250")
    data[at - 400 : at] = b"\xff" * 400
    path.write_bytes(data)
    reading = intake()
    found = list(rows(path, reading))
    assert len(found) + reading.quarantined.total() == 1000
    assert len(found) >= 800


@pytest.mark.parametrize("seed", range(5))
def test_moses_files_add_up(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    good = generated(chance)
    sides = {code: [cells[code].encode() for cells in good] for code in ("sc", "it")}
    faults = [b"perch\xe9", b"un\0u"]
    for fault in faults:
        at = chance.randint(0, len(good))
        sides["sc"].insert(at, fault)
        sides["it"].insert(at, b"x")
    for code, lines in sides.items():
        (tmp_path / code).write_bytes(b"\n".join(lines) + b"\n")
    source = ParallelSource(
        kind="parallel", files={c: tmp_path / c for c in sides}, pairs=["sc", "it"], license="x", max_quarantined=1
    )
    reading = intake(source)
    found = [record.texts for record in load_any(source, reading) if isinstance(record, Pair)]
    assert found == good
    assert reading.quarantined.total() == len(faults)


def test_conversations_add_up(tmp_path: Path) -> None:
    good = [{"prompt": f"ite {n}", "completion": f"custu {n}"} for n in range(50)]
    broken = [
        {"prompt": "a", "completion": ""},
        {"prompt": None, "completion": "b"},
        {"prompt": "a \ud83d", "completion": "b"},
        {"prompt": "a", "completion": "b", "id": {}},
        {"prompt": "a", "completion": "b", "task": [1]},
        {"prompt": 5, "completion": "b"},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": float("nan")}]},
        {"prompt": "a", "completion": {"b": 1}},
    ]
    found = [*good, *broken]
    random.Random(1).shuffle(found)
    path = tmp_path / "talk.json"
    path.write_text(json.dumps(found))
    source = LocalSource(kind="local", path=path, yields="conversations", license="x")
    reading = intake(source)
    assert len(list(load(source, reading))) == len(good)
    assert reading.quarantined.total() == len(broken), reading.quarantined
