"""Every system a column, every score a row with what it rests on."""

import copy
from pathlib import Path

from llimba.reports.score_table import row, score_table
from tests.fakes import recipe
from tests.stages.publish.test_card import SCORES


def test_rows_and_how_they_were_measured(tmp_path: Path) -> None:
    text = score_table(recipe(tmp_path), SCORES)
    assert "|  | copy | base | cpt | sft | rests on |" in text
    assert "| bits per byte, Sardinian | – | 3.5012 | 2.1014 | 2.1516 | 3 documents, 3000 bytes |" in text
    assert "| BLEU IT-SC | 4.61 ±1.17 | 1.63 ±1.17 | 2.65 ±1.17 | 7.67 ±1.17 | 12 sentences |" in text
    assert "`nrefs:1|tok:13a`" in text
    assert "another language" not in text, "a kind of answer that was never counted has no row"


def test_probes_have_rows_where_they_were_asked_for(tmp_path: Path) -> None:
    share = {"share": 0.4, "low": 0.2, "high": 0.6, "answers": 50}
    facts = {"accuracy": share, "confident_wrong": {**share, "share": 0.3}, "chance": 0.25}
    given = {"base": {"it-sc": {"value": 3.1, "documents": 12, "bytes": 1500}}, "sft": {"it-sc": {"value": 1.4}}}
    probed = {
        **SCORES,
        "translation_bits_per_byte": given,
        "facts": {"sft": {"all": facts}},
        "instructions": {"base": {"all": share}},
    }
    text = score_table(recipe(tmp_path), probed)
    assert "given the source, IT-SC | – | 3.1 | – | 1.4 | 12 sentences, 1500 bytes |" in text
    assert "| share of questions of fact answered rightly | – | – | – | 0.4 (0.2 to 0.6) | 50 answers |" in text
    assert "though sure | – | – | – | 0.3 (0.2 to 0.6) | 50 answers |" in text
    assert "| share of instructions followed | – | 0.4 (0.2 to 0.6) | – | – | 50 answers |" in text


def test_a_row() -> None:
    assert row(["a", 1, 0.5]) == "| a | 1 | 0.5 |"


def test_published_scores_have_no_interval(tmp_path: Path) -> None:
    scores = copy.deepcopy(SCORES)
    scores["systems"].append("theirs")
    scores["translation"]["theirs"] = {"it-sc": {"bleu": 12.71, "sentences": 997, "published": True}}
    scores["published"] = [{"title": "Others", "source": "their card", "conditions": "Greedy", "sentences": 997}]
    text = score_table(recipe(tmp_path), scores)
    assert "| BLEU IT-SC | 4.61 ±1.17 | 1.63 ±1.17 | 2.65 ±1.17 | 7.67 ±1.17 | 12.71 | 12 sentences |" in text
    (chrf,) = [line for line in text.splitlines() if line.startswith("| chrF IT-SC |")]
    assert chrf.count("±") == 4 and chrf.endswith("| – | 12 sentences |")
    assert "Others: published by others (their card). Greedy. Other sentences" in text
