"""The instruct stage: cut to the number asked for, no duplicates, an empty result is an error."""

from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.instruct.stage import run
from llimba.records import Conversation, Pair, read_records, write_records
from tests.fakes import SENTENCES, recipe

COMMON: dict[str, Any] = {"source": "s", "license": "x", "provenance": "p"}


def corpus(folder: Path, given: list[Conversation]) -> dict[str, Path]:
    folder.mkdir()
    texts = [{code: SENTENCES[code][i % 10] for code in ("sc", "it")} for i in range(20)]
    write_records(folder / "pairs.jsonl", (Pair(id=f"p{i}", texts=t, **COMMON) for i, t in enumerate(texts)))
    write_records(folder / "conversations.jsonl", given)
    return {"corpus": folder}


def test_counts_and_duplicates(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Salude!"}, {"role": "assistant", "content": "Salude."}]
    given = [Conversation(id="g1", messages=turns, **COMMON), Conversation(id="g2", messages=turns, **COMMON)]
    changed = recipe(tmp_path, instruct={"directions": ["it-sc"], "system_prompt_share": 0})
    facts = run(changed, corpus(tmp_path / "in", given), tmp_path)
    kept = list(read_records(tmp_path / "conversations.jsonl", Conversation))
    turns_kept = [c.messages[0]["content"] for c in kept]
    assert len(turns_kept) == len(set(turns_kept)) == facts["conversations"]
    assert facts["duplicates_removed"] == 22 - facts["conversations"]
    assert facts["tasks"] == {"translation:it-sc": facts["conversations"] - 1, "": 1}


def test_max_conversations_cuts_the_same_way_every_time(tmp_path: Path) -> None:
    changed = recipe(tmp_path, instruct={"directions": ["it-sc", "sc-it"], "max_conversations": 7})
    inputs = corpus(tmp_path / "in", [])
    contents = []
    for out in (tmp_path / "a", tmp_path / "b"):
        assert run(changed, inputs, out)["conversations"] == 7
        contents.append((out / "conversations.jsonl").read_bytes())
    assert contents[0] == contents[1]


def test_no_conversation_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="Name directions under instruct.directions"):
        run(recipe(tmp_path, instruct={}), corpus(tmp_path / "in", []), tmp_path)
