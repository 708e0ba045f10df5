"""A hub that is gated, asked too often, down, slow, cut off or absent: one sentence, bounded tries, a continuation."""

import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback_hub import CUT, GRANTED, OTHER, SLOW, LoopbackHub, card, jsonl, parquet
from tests.stages.sources.hub.reading import reader

ROWS = jsonl([{"text": f"Custa est sa lìnia {number}."} for number in range(50)])
DOWNLOAD = r"^GET (lfs|datasets)/\S+ (bytes=\d+-)?$"  # of a whole file, or the rest of one
WORDS = ["sole", "mare", "bidda", "domo", "pane", "binu", "monte", "funtana", "trenu", "libru"]


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    with LoopbackHub() as started:
        started.add("datasets/me/lines", {"train.jsonl": ROWS})
        yield started


def large(seed: int = 1) -> bytes:
    """A Parquet file of many row groups, larger than what a look needs."""
    import pyarrow
    from pyarrow import parquet as files

    drawn = random.Random(seed)
    rows = [{"text": " ".join(drawn.choices(WORDS, k=400))} for _ in range(2_000)]
    buffer = pyarrow.BufferOutputStream()
    files.write_table(pyarrow.Table.from_pylist(rows), buffer, row_group_size=100, compression="none")
    return bytes(buffer.getvalue())


def test_gated_sets_name_the_page_and_the_login(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.add("datasets/me/gated", {"README.md": card(default={"train": "*.jsonl"}), "a.jsonl": ROWS}, gated=True)
    hub.add("datasets/me/bare", {"a.jsonl": ROWS}, gated=True)  # no card that could be refused first
    with reader(hub.environment(tmp_path)) as nobody:
        for name in ("me/gated", "me/bare"):
            error = nobody(name, language="sc")["error"]
            assert error.startswith(f"StageError: sources.h.dataset: {name} is gated, and nobody is logged in")
            assert f"{hub.url}/datasets/{name}, log in with `hf auth login`" in error
    with reader(hub.environment(tmp_path, OTHER)) as other:
        assert "this login has no access. Ask for access at" in other("me/gated", language="sc")["error"]
    with reader(hub.environment(tmp_path, GRANTED)) as granted:
        assert len(granted("me/gated", language="sc")["records"]) == 50


def test_what_passes_is_asked_again(hub: LoopbackHub, tmp_path: Path) -> None:
    with reader(hub.environment(tmp_path)) as read:
        hub.fail("api/datasets/me/lines $", 503, times=1)
        hub.fail("api/datasets/me/lines/tree", 500, times=1)
        hub.fail(DOWNLOAD, CUT, times=3)
        assert len(read("me/lines", language="sc")["records"]) == 50
    hub.add("datasets/me/other", {"train.jsonl": ROWS})
    with reader(hub.environment(tmp_path, HF_HUB_ETAG_TIMEOUT="1")) as read:
        hub.fail("^HEAD datasets/me/other", SLOW, times=1)
        hub.fail("api/datasets/me/other", 429, times=1, headers={"Retry-After": "1"})
        assert len(read("me/other", language="sc")["records"]) == 50
    assert not any(fault.times for fault in hub.faults)


@pytest.mark.parametrize(
    ("what", "said"),
    [(500, "the hub answered 500"), (429, "it is asked too often (429)"), (401, "refuses this login (401)")],
)
def test_what_stays_is_one_sentence(hub: LoopbackHub, tmp_path: Path, what: int, said: str) -> None:
    hub.fail("api/datasets/me/lines", what)
    with reader(hub.environment(tmp_path)) as read:
        error = read("me/lines", language="sc")["error"]
    assert error.startswith("StageError: " if what == 401 else "Unavailable: ")
    assert said in error and ("Run the same command again" in error) == (what != 401)
    assert len(hub.asked) < 10


def test_a_hub_that_is_not_there(tmp_path: Path) -> None:
    with LoopbackHub() as gone:
        environment = gone.environment(tmp_path)
    with reader(environment) as read:
        started = time.monotonic()
        error = read("me/lines", language="sc")["error"]
        assert error.startswith("Unavailable: sources.h.dataset: me/lines cannot be read: Connect")
        assert "several times" in error
        assert time.monotonic() - started < 20


def test_after_a_download_that_is_cut_the_same_command_continues(hub: LoopbackHub, tmp_path: Path) -> None:
    """By the file: what huggingface_hub has of a file is lost with the call."""
    files = {f"train/{name}.parquet": large(seed) for seed, name in enumerate("abc")}
    hub.add("datasets/me/three", files)
    hub.fail(rf"^GET lfs/{hashlib.sha256(files['train/b.parquet']).hexdigest()} (bytes=\d+-)?$", CUT)
    with reader(hub.environment(tmp_path)) as read:
        error = read("me/three", language="sc")["error"]
    assert error.startswith("Unavailable: sources.h.dataset: me/three cannot be read: ")
    assert error.endswith(
        "several times. Run the same command again later: it continues after the files that came whole."
    )
    hub.faults.clear()
    before = hub.sent("/lfs/")
    with reader(hub.environment(tmp_path)) as read:
        assert len(read("me/three", language="sc")["records"]) == 6_000
    assert hub.sent("/lfs/") - before == len(files["train/b.parquet"]) + len(files["train/c.parquet"])


def test_the_first_rows_are_looked_at_before_a_file_is_downloaded(hub: LoopbackHub, tmp_path: Path) -> None:
    data = large()
    hub.add("datasets/me/large", {"train.parquet": data})
    with reader(hub.environment(tmp_path)) as read:
        assert "has no column 'body'" in read("me/large", language="sc", columns={"text": "body"})["error"]
    assert hub.sent("/lfs/") < 0.7 * len(data)


def test_offline_the_cache_is_read_and_its_commit_recorded(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.add("datasets/me/two", {"train-00000-of-00002.jsonl": ROWS, "train-00001-of-00002.jsonl": ROWS})
    with reader(hub.environment(tmp_path)) as read:
        online = read("me/lines", language="sc")
        read("me/two", language="sc", max_documents=60)
    asked = len(hub.asked)
    with reader(hub.environment(tmp_path, offline=True)) as read:
        offline = read("me/lines", language="sc")
        assert (offline["records"], offline["revision"]) == (online["records"], online["revision"])
        assert len(read("me/lines", language="sc", revision=online["revision"], max_documents=3)["records"]) == 3
        assert len(read("me/two", language="sc", max_documents=60)["records"]) == 60
        error = read("me/absent", language="sc")["error"]
        assert "is not in the hub's cache, and HF_HUB_OFFLINE=1 forbids" in error
        assert "hf download --repo-type dataset me/absent" in error
    assert len(hub.asked) == asked
    hub.add("datasets/me/lines", {"train.jsonl": ROWS + ROWS})  # the hub's main moves on
    with reader(hub.environment(tmp_path)) as read:
        pinned = read("me/lines", language="sc", revision=online["revision"])
        moved = read("me/lines", language="sc")
    assert (len(pinned["records"]), len(moved["records"])) == (50, 100)
    assert moved["revision"] != online["revision"] == pinned["revision"]


def test_offline_a_cache_that_lacks_files_is_not_read_in_part(hub: LoopbackHub, tmp_path: Path) -> None:
    """As `hf download` leaves it: no list of files, and one of two shards was left out."""
    shards = {f"train-0000{n}-of-00002.jsonl": ROWS for n in range(2)}
    commit = hub.add("datasets/me/two", shards)
    place = tmp_path / "hf" / "hub" / "datasets--me--two"
    (place / "snapshots" / commit).mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(commit)
    with reader(hub.environment(tmp_path, offline=True)) as read:
        for number, name in enumerate(shards):
            found = read("me/two", language="sc")
            assert found["error"] and not found["records"], number
            (place / "snapshots" / commit / name).write_bytes(ROWS)
        assert "holds 1 of the 2 files like train-00000-of-00002.jsonl" in found["error"]
        assert len(read("me/two", language="sc")["records"]) == 100
    assert not hub.asked


def test_streaming_offline_says_why_not(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.add("datasets/me/parts", {"train/a.parquet": parquet([{"text": "Unu."}]), "train/b.parquet": parquet([])})
    with reader(hub.environment(tmp_path)) as read:
        assert "has no column 'body'" in read("me/parts", language="sc", columns={"text": "body"})["error"]
    with reader(hub.environment(tmp_path, offline=True)) as read:
        error = read("me/parts", language="sc", max_documents=1)["error"]
    assert "train/a.parquet of me/parts is not in the hub's cache" in error and "forbids streaming it" in error
