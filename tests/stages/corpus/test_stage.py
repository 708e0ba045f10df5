"""The corpus stage on planted records: counts add up, nothing contaminated survives, reruns give the same bytes."""

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.files import read_jsonl, remove_leftovers
from llimba.records import Conversation, Document, Pair, Record, read_records, write_records
from llimba.stages.corpus import stage, tables
from llimba.stages.corpus.stage import run
from llimba.stages.folders import CorpusFolder
from tests.fakes import SENTENCES, recipe

COMMON: dict[str, Any] = {"source": "prose", "license": "x", "provenance": "p"}
EVALUATION = Pair(
    id="e", role="evaluate", texts={"sc": SENTENCES["sc"][3], "it": SENTENCES["it"][3]}, document="d", **COMMON
)


def sources(folder: Path, *records: Record) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    for name, kind in (("documents", Document), ("pairs", Pair), ("conversations", Conversation)):
        write_records(folder / f"{name}.jsonl", (record for record in records if isinstance(record, kind)))
    return {"sources": folder}


def planted(tmp_path: Path) -> dict[str, Path]:
    contaminated = SENTENCES["sc"][3].upper().replace("'", "\u2019")
    return sources(
        tmp_path / "in",
        EVALUATION,
        Document(id="good", language="sc", text="\n".join(SENTENCES["sc"][:3]), **COMMON),
        Document(id="mixed", language="sc", text=f"{SENTENCES['sc'][4]}\nAmus bidu chi {contaminated}", **COMMON),
        Document(id="twin", language="sc", text="\n".join(SENTENCES["sc"][:3]), **COMMON),
        Document(id="short", language="sc", text="eja", **COMMON),
        Pair(id="p1", texts={"sc": "salude a totus", "it": "saluti a tutti"}, **COMMON),
        Pair(id="p2", texts={"sc": "Salude a totus!", "it": "saluti a tutti"}, **COMMON),
        Pair(id="p3", texts={"sc": "àteru", "it": SENTENCES["it"][3]}, **COMMON),
        Conversation(
            id="c1",
            messages=[{"role": "user", "content": "?"}, {"role": "assistant", "content": contaminated}],
            **COMMON,
        ),
        Conversation(
            id="c2", messages=[{"role": "user", "content": "?"}, {"role": "assistant", "content": "eja"}], **COMMON
        ),
    )


def test_counts_add_up_and_every_loss_has_a_reason(tmp_path: Path) -> None:
    facts = run(recipe(tmp_path), planted(tmp_path), tmp_path)
    assert facts["counts"]["documents"] == {
        "read": 4,
        "kept": 2,
        "evaluation": 0,
        "rejected": {"near-duplicate": 1, "too short": 1},
    }
    assert facts["counts"]["pairs"] == {
        "read": 4,
        "kept": 1,
        "evaluation": 1,
        "rejected": {"duplicate": 1, "contaminated": 1},
    }
    assert facts["counts"]["conversations"] == {"read": 2, "kept": 1, "evaluation": 0, "rejected": {"contaminated": 1}}
    assert facts["counts"]["lines_removed"] == {"contaminated": 1}
    assert facts["contamination"]["surviving"] == 0
    rejected = list(read_jsonl(tmp_path / "rejected.jsonl"))
    assert sorted((row["record"]["id"], row["rule"]) for row in rejected) == [
        ("c1", "contaminated"),
        ("p2", "duplicate"),
        ("p3", "contaminated"),
        ("short", "too short"),
        ("twin", "near-duplicate"),
    ]
    kept = {d.id: d.text for d in read_records(tmp_path / "documents.jsonl", Document)}
    assert kept["mixed"] == SENTENCES["sc"][4]
    assert {row["record"] for row in read_jsonl(tmp_path / "contamination.jsonl")} == {"mixed", "p3", "c1"}


def test_what_is_scored_on_is_written_for_both_uses(tmp_path: Path) -> None:
    run(recipe(tmp_path), planted(tmp_path), tmp_path)
    assert list(CorpusFolder(tmp_path).evaluation()) == [EVALUATION]
    held_out = {d.language: d.text for d in read_records(tmp_path / "held_out.jsonl", Document)}
    assert held_out == EVALUATION.texts


def test_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    inputs = planted(tmp_path)
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        run(recipe(tmp_path), inputs, out)
    for file in outs[0].iterdir():
        assert file.read_bytes() == (outs[1] / file.name).read_bytes()


def test_errors_name_what_took_the_text(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no document in 'sc' is left.*too short"):
        inputs = sources(
            tmp_path / "in",
            Document(id="a", language="sc", text="eja", **COMMON),
            Document(id="b", language="it", text=SENTENCES["it"][0], **COMMON),
        )
        run(recipe(tmp_path), inputs, tmp_path / "one")
    with pytest.raises(StageError, match="max_rejected: 3 of 4 documents"):
        shorts = [Document(id=str(i), language="sc", text="eja", **COMMON) for i in range(3)]
        good = Document(id="a", language="sc", text=SENTENCES["sc"][0], **COMMON)
        run(recipe(tmp_path), sources(tmp_path / "in", good, *shorts), tmp_path / "two")


def test_several_tasks_and_a_stop_between_give_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = planted(tmp_path)
    whole = run(recipe(tmp_path), inputs, tmp_path / "whole")
    monkeypatch.setattr(tables, "SHARD_BYTES", 300)
    assert tables.tasks_for(tmp_path / "in" / "documents.jsonl") > 2
    with pytest.raises(RuntimeError, match="stopped"), monkeypatch.context() as stopped:
        stopped.setattr(stage, "_twins", lambda *given: (_ for _ in ()).throw(RuntimeError("stopped")))
        run(recipe(tmp_path), inputs, tmp_path / "parts")
    facts = run(recipe(tmp_path), inputs, tmp_path / "parts")
    assert facts == whole
    for file in (tmp_path / "whole").iterdir():
        if file.name != "rejected.jsonl":  # in the order of the passes
            assert file.read_bytes() == (tmp_path / "parts" / file.name).read_bytes(), file.name
    assert not (tmp_path / "parts" / "work").exists()


def test_a_worker_killed_in_the_middle_costs_a_second_run_and_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, vocabulary = random.Random(1), " ".join(SENTENCES["sc"]).split()
    texts = (" ".join(chance.choices(vocabulary, k=60)) + "." for _ in range(400))
    records = [Document(id=str(number), language="sc", text=text, **COMMON) for number, text in enumerate(texts)]
    inputs, runnable = sources(tmp_path / "in", *records), recipe(tmp_path, corpus={"executor": {"workers": 2}})
    monkeypatch.setattr(tables, "SHARD_BYTES", (tmp_path / "in" / "documents.jsonl").stat().st_size // 4 + 1)
    assert tables.tasks_for(tmp_path / "in" / "documents.jsonl") == 4
    whole = run(runnable, inputs, tmp_path / "whole")
    killed: list[int] = []

    def kill_one() -> None:
        while not killed:
            begun = list((tmp_path / "killed" / "work" / "clean").glob("*/.*.tmp"))
            if begun:
                killed.append(int(begun[0].name.split(".")[-2]))
                os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.001)

    thread = threading.Thread(target=kill_one, daemon=True)
    thread.start()
    with pytest.raises(StageError, match="SIGKILL.*Run the same command again"):
        run(runnable, inputs, tmp_path / "killed")
    thread.join(10)
    remove_leftovers(tmp_path / "killed")
    assert run(runnable, inputs, tmp_path / "killed") == whole
    for file in (tmp_path / "whole").iterdir():
        assert file.read_bytes() == (tmp_path / "killed" / file.name).read_bytes(), file.name
