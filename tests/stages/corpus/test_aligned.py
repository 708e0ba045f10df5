"""Pairs and conversations: every hit is in the audit, the rejected answer of preference data too."""

from pathlib import Path

from llimba.files import read_jsonl
from llimba.languages.profile import load_language
from llimba.records import Conversation, Pair, write_records
from llimba.stages.corpus import aligned
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.tables import Tables, shard
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.folders import CorpusFolder, SourcesFolder
from llimba.stages.second_look import SecondLook
from tests.fakes import SENTENCES

COMMON = {"source": "s", "license": "x", "provenance": "p"}
SCORED = SENTENCES["sc"][3]
INDEX, PROOF = EvaluationIndex([("e", SCORED)]), SecondLook([("e", SCORED)])


def said(name: str, answer: str, rejected: str = "") -> Conversation:
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": answer}]
    return Conversation(id=name, messages=messages, rejected=rejected, **COMMON)


def test_what_is_rejected_is_counted_and_written(tmp_path: Path) -> None:
    pairs = [
        Pair(id="a", texts={"sc": "salude", "it": "saluti"}, **COMMON),
        Pair(id="b", texts={"sc": "Salude!", "it": "saluti"}, **COMMON),
        Pair(id="c", texts={"sc": f"Narat chi {SCORED.upper()}", "it": "boh"}, **COMMON),
        Pair(id="d", texts={"sc": "a parte", "it": "a parte"}, **COMMON),
        Pair(id="e", texts={"sc": SCORED, "it": "boh"}, role="evaluate", **COMMON),
    ]
    account = Account()
    with Tables(tmp_path, 0, ("rejected", "contamination")) as tables:
        kept = list(aligned.clean_pairs(pairs, {"d"}, INDEX, account, tables))
    assert [pair.id for pair in kept] == ["a"]
    assert account.balance("pairs").rejected == {"contaminated": 1, "duplicate": 1}
    assert account.of("sources") == {"s": 1}
    with Tables(tmp_path / "as_is", 0, ("rejected", "contamination")) as tables:
        kept = list(aligned.clean_pairs(pairs, {"d"}, INDEX, Account(), tables, as_is=True))
    assert [pair.id for pair in kept] == ["a", "b"], "a repeated pair stays where the text is left alone"
    rejected = list(read_jsonl(shard(tmp_path / "rejected", 0)))
    assert [row["record"]["id"] for row in rejected] == ["b", "c"]
    reason = ("contaminated", "see contamination.jsonl", "none")
    assert (rejected[1]["rule"], rejected[1]["value"], rejected[1]["threshold"]) == reason


def test_a_conversation_leaves_for_any_of_its_texts(tmp_path: Path) -> None:
    wrapped = SCORED.replace(" in ", "\nin ")
    spoken = [said("good", "eja"), said("answer", wrapped), said("worse", "eja", rejected=f"Eja.\n{SCORED}")]
    account = Account()
    with Tables(tmp_path, 0, ("rejected", "contamination")) as tables:
        kept = list(aligned.clean_conversations(spoken, INDEX, account, tables))
    assert [c.id for c in kept] == ["good"]
    assert [row["record"] for row in read_jsonl(shard(tmp_path / "contamination", 0))] == ["answer", "worse"]
    assert account.balance("conversations").rejected == {"contaminated": 2}


def test_every_line_of_a_message_is_looked_up_by_itself(tmp_path: Path) -> None:
    index, account = EvaluationIndex([("e", "Bona die")]), Account()
    spoken = [said("line", "Eja.\nBona die!\nAdiosu."), said("inside", "Bona die a totus")]
    with Tables(tmp_path, 0, ("rejected", "contamination")) as tables:
        kept = list(aligned.clean_conversations(spoken, index, account, tables))
    assert [c.id for c in kept] == ["inside"], "a short sentence counts only where it is a line"
    (hit,) = read_jsonl(shard(tmp_path / "contamination", 0))
    assert (hit["line"], hit["evaluation_id"], hit["rule"]) == ("Bona die!", "e", "whole sentence")


def test_what_survives_in_the_files_is_seen(tmp_path: Path) -> None:
    write_records(tmp_path / "pairs.jsonl", [Pair(id="a", texts={"sc": SCORED, "it": "x"}, **COMMON)])
    write_records(tmp_path / "conversations.jsonl", [said("b", "eja"), said("c", SCORED)])
    assert aligned.surviving(CorpusFolder(tmp_path), PROOF) == 2


def test_pairs_are_read_normal(tmp_path: Path) -> None:
    write_records(tmp_path / "pairs.jsonl", [Pair(id="a", texts={"sc": "s\u2019abba\n frisca", "it": "x"}, **COMMON)])
    (pair,) = aligned.normal_pairs(SourcesFolder(tmp_path), load_language("srd"))
    assert pair.texts["sc"] == "s'abba frisca"
    (pair,) = aligned.normal_pairs(SourcesFolder(tmp_path), load_language("srd"), as_is=True)
    assert pair.texts["sc"] == "s\u2019abba\n frisca"
