"""The page holds the table, the sentences and the pictures, and escapes what models write."""

import re
import shutil
from pathlib import Path
from typing import Any

from llimba.files import write_jsonl
from llimba.manifest import write_manifest
from llimba.reports.evaluated import EvaluatedFolder
from llimba.reports.page import marked, sentences, tokenizers_differ, write_page
from llimba.reports.rows import Evaluated, columns_of
from llimba.reports.scores import LanguageShares, Published, Scores
from tests.fakes import SENTENCES, manifest, training_facts
from tests.reports.scores import SCORES, bits, changed, share, translated
from tests.reports.test_rows import small

LOOKS = [{"step": 0, "sc": 3.5, "it": 2.4}, {"step": 5, "sc": 2.1, "it": 2.5}]


def finished(folder: Path, scores: Scores, name: str) -> Any:
    """A recipe with folders as its run leaves them."""
    stages = {stage: folder / stage / name for stage in ("cpt", "sft", "evaluate")}
    EvaluatedFolder(stages["evaluate"]).write(scores)
    for stage in ("cpt", "sft"):
        facts = training_facts(held_out=LOOKS, steps=3)
        needs = {"corpus": "c", "instruct": "i", "cpt": "p"}
        write_manifest(stages[stage], manifest(stage, facts=facts, needs=needs, section={"method": name}))
    for system in ("copy", "base", "cpt", "sft"):
        rows = [
            {"id": str(n), "source": SENTENCES["it"][n], "reference": SENTENCES["sc"][n],
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
    half = LanguageShares(target=share(0.5), neighbours={}, mixed=share(0.5), unknown=share(0))
    scores = changed(changed(SCORES, "cpt", mode_switch={0.9: half}), "sft", mode_switch={0.9: half})
    scores = changed(scores, "Others CPT", translation=translated(bleu=12.71), published=True)
    source = Published(title="Others", source="their card", conditions="another split", sentences=997, systems={})
    scores = scores.model_copy(update={"published": [source]})
    other = changed(scores, "sft", translation=translated(bleu=9.91, chrf=33.0))
    page = tmp_path / "pages" / "one.html"
    write_page([finished(tmp_path, scores, "one"), finished(tmp_path, other, "two")], page)
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
    (link,) = re.findall(r'<a href="([^"]+)">base</a>', text)
    assert (page.parent / link).resolve() == (tmp_path / "evaluate" / "one" / "hypotheses" / "base.it-sc.jsonl")
    assert "<h2>Against one</h2>" in text
    assert f"<td>two</td><td>IT → SC</td><td>{0:+.1f}</td><td>1.000</td>" in text, "equal answers"
    assert "http" not in text.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")  # it needs nothing from elsewhere
    assert "different tokens" not in text
    shutil.rmtree(tmp_path / "pages")


def test_other_tokens_for_the_same_bytes_are_said(tmp_path: Path) -> None:
    fewer = bits(2.1, size=3000).model_copy(update={"tokens": 90})
    one = small(tmp_path)
    assert tokenizers_differ(columns_of([Evaluated(one, changed(SCORES, "sft", bits_per_byte={"sc": fewer}))]))
    assert not tokenizers_differ(columns_of([Evaluated(one, SCORES)]))


def test_the_worst_sentences_are_the_last_systems(tmp_path: Path) -> None:
    recipe, stages = finished(tmp_path, SCORES, "one")
    folders = {"one": EvaluatedFolder(stages["evaluate"])}
    found = sentences("it-sc", columns_of([Evaluated(recipe, SCORES)]), folders, tmp_path)
    assert (found.last, found.worst[0].id) == ("after SFT", "3")
    assert list(found.worst[0].systems) == ["base", "after CPT", "after SFT"], "a copy says nothing of its own"
    assert [row.chrf for row in found.worst] == sorted(row.chrf for row in found.worst)
    assert len(found.drawn) == 10
