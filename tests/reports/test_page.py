"""The page holds the table, the sentences and the pictures, and escapes what models write."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

from llimba.files import write_json, write_jsonl
from llimba.manifest import write_manifest
from llimba.reports.page import marked, report, write_report
from tests.fakes import SENTENCES, manifest, training_facts
from tests.reports.test_table import FIXTURE, small

LOOKS = [{"step": 0, "sc": 3.5, "it": 2.4}, {"step": 5, "sc": 2.1, "it": 2.5}]


def finished(folder: Path, scores: dict[str, Any], name: str) -> Any:
    """A recipe with folders as its run leaves them."""
    stages = {stage: folder / stage / name for stage in ("cpt", "sft", "evaluate")}
    write_json(stages["evaluate"] / "scores.json", scores)
    for stage in ("cpt", "sft"):
        facts = training_facts(held_out=LOOKS, steps=3)
        needs = {"corpus": "c", "instruct": "i", "cpt": "p"}
        write_manifest(stages[stage], manifest(stage, facts=facts, needs=needs, section={"method": name}))
    for system in ("copy", "base", "cpt", "sft"):
        rows = [
            {"id": n, "source": SENTENCES["it"][n], "reference": SENTENCES["sc"][n],
             "hypothesis": SENTENCES["it" if system == "copy" else "sc"][n] + (f" <b>{system}</b>" if n == 3 else "")}
            for n in range(10)
        ]  # fmt: skip
        write_jsonl(stages["evaluate"] / "hypotheses" / f"{system}.it-sc.jsonl", rows)
    return small(folder, name), stages


def test_words_that_are_not_in_the_reference_are_marked() -> None:
    assert marked("su cane mannu currit", "su gatu mannu dormit oe") == [
        ("su", True),
        ("cane", False),
        ("mannu", True),
        ("currit", False),
    ]
    assert marked("", "su gatu") == []
    assert marked("su gatu", "su gatu") == [("su gatu", True)]


def test_the_page(tmp_path: Path) -> None:
    scores = json.loads(FIXTURE.read_text())
    probed = {"0.9": {"target": {"share": 0.5, "low": 0.2, "high": 0.8, "answers": 10}}}
    scores |= {"mode_switch": {"cpt": probed, "sft": probed}, "num_fewshot": 0, "published": [
        {"title": "Others", "source": "their card", "conditions": "another split", "sentences": 997}]}  # fmt: skip
    scores["translation"]["Others CPT"] = {"it-sc": {"bleu": 12.71, "sentences": 997, "published": True}}
    scores["systems"].append("Others CPT")
    other = copy.deepcopy(scores)
    other["translation"]["sft"]["it-sc"]["bleu"] = 9.91
    page = tmp_path / "pages" / "one.html"
    found = report([finished(tmp_path, scores, "one"), finished(tmp_path, other, "two")], page.parent)
    write_report(found, page)
    text = page.read_text()
    assert text.count("<svg") == 3  # the mode switch, and what each of the two learned and forgot
    for cell in (
        "9.9",
        "published:\nOthers CPT",
        "12.7",
        "their card",
        "another split",
        "paired bootstrap",
        "matched: ",
    ):
        assert cell in text, cell
    assert "<b>sft</b>" not in text and "&lt;b&gt;sft&lt;/b&gt;" in text
    assert (page.parent / found["directions"][0]["links"][0]["path"]).resolve().exists()
    assert "http" not in text.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")  # it needs nothing from elsewhere
    assert found["directions"][0]["worst"][0]["id"] == 3
    assert found["tokenizers_differ"] is False
    assert [row["direction"] for row in found["paired"]] == ["it-sc"]
    shutil.rmtree(tmp_path / "pages")


def test_other_tokens_for_the_same_bytes_are_said(tmp_path: Path) -> None:
    scores = json.loads(FIXTURE.read_text())
    for system, tokens in (("base", 100), ("cpt", 100), ("sft", 90)):
        scores["bits_per_byte"][system]["sc"]["tokens"] = tokens
    assert report([finished(tmp_path, scores, "one")], tmp_path)["tokenizers_differ"] is True
