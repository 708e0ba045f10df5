"""The last pass takes out what the comparison found, and the proof reads what was written."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from llimba.files import read_json, read_jsonl
from llimba.recipe import CorpusSection
from llimba.records import Document
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.finish import Finish, Prove, described
from llimba.stages.corpus.lines import FOUND
from llimba.stages.corpus.near import Twin
from llimba.stages.corpus.shards import carried, record
from llimba.stages.corpus.tables import shard
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.second_look import SecondLook
from tests.fakes import SENTENCES

DOCUMENTS = [
    Document(id=name, text="\n".join(lines), language="sc", source="web", license="x", provenance="p")
    for name, lines in {
        "twin": SENTENCES["sc"][:3],
        "page": ["menu menu menu", *SENTENCES["sc"][:3]],
        "menu": ["menu menu menu", "custu abarrat"],
    }.items()
]


def test_twins_and_repeated_lines_leave_with_their_reason(tmp_path: Path) -> None:
    np.save(tmp_path / "00000.npy", np.array([(1, 0, 1), (2, 0, 1)], FOUND))
    nothing = EvaluationIndex([])
    step = Finish(tmp_path / "out", tmp_path, {0: {0: Twin("page", 0.9)}}, CorpusSection(), nothing)
    (kept,) = [record(carrier) for carrier in step(map(carried, DOCUMENTS))]
    assert kept.text == "\n".join(SENTENCES["sc"][:3])
    rows = {row["record"]["id"]: row for row in read_jsonl(shard(tmp_path / "out" / "rejected", 0))}
    assert (rows["twin"]["rule"], rows["twin"]["value"], rows["twin"]["beside"]) == ("near-duplicate", 0.9, "page")
    assert rows["menu"]["rule"] == "repeated lines"
    assert rows["menu"]["record"]["text"] == DOCUMENTS[2].text, "the whole text is kept to be looked at"
    account = Account.total([tmp_path / "out" / "account"])
    assert account.of("lines") == {"boilerplate": 2}
    assert account.of("rejected") == {"near-duplicate": 1, "repeated lines": 1}
    key = described(kept)
    assert [account.of(table) for table in ("documents", "words", "bytes")] == [
        {key: 1}, {key: len(kept.text.split())}, {key: len(kept.text.encode())}
    ]  # fmt: skip
    assert account.of("length sc") == {"16": 1}, "22 words are 16 to 31"


def test_the_proof_counts_what_survives(tmp_path: Path) -> None:
    Prove(SecondLook([("e", SENTENCES["sc"][0])]), tmp_path)(map(carried, DOCUMENTS))
    assert read_json(tmp_path / "00000.json") == {"surviving": {"documents": 2}}


def test_lines_that_come_together_when_others_leave_are_looked_at_again(tmp_path: Path) -> None:
    first, rest = SENTENCES["sc"][3].split(" in ")
    words = " ".join(["custa", "lìnia", "est", "longa"] * 7)
    page = replace(DOCUMENTS[1], text=f"Unu, duos, tres.\n{first} in\n{words}\n{rest}\nBator, chimbe, ses.")
    np.save(tmp_path / "00000.npy", np.array([(0, 2, 0)], FOUND))
    index = EvaluationIndex([("e", SENTENCES["sc"][3])])
    assert index.hit(page.text) is None
    step = Finish(tmp_path / "out", tmp_path, {}, CorpusSection(), index)
    (kept,) = [record(carrier) for carrier in step([carried(page)])]
    assert kept.text == "Unu, duos, tres.\nBator, chimbe, ses."
    (row,) = read_jsonl(shard(tmp_path / "out" / "contamination", 0))
    assert (row["record"], row["evaluation_id"]) == ("page", "e")
