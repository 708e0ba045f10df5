"""The table holds every score, and shared systems stand once."""

import copy
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from llimba.reports.table import FEW_SENTENCES, columns_of, footnote, load_scores, tables
from tests import FIXTURES
from tests.fakes import recipe

FIXTURE = FIXTURES / "scores.json"


def shown(rendered: Any, width: int = 100) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(rendered)
    return console.export_text()


def one_table(evaluated: Any) -> Any:
    (rendered,) = tables(evaluated)
    return rendered


def small(tmp_path: Path, name: str = "one") -> Any:
    loaded = recipe(tmp_path, evaluate={"directions": ["it-sc"], "languages": ["sc", "it"]})
    return loaded.model_copy(update={"name": name})


def test_every_score_is_in_the_table(tmp_path: Path) -> None:
    scores = load_scores(FIXTURE.parent)
    text = shown(one_table([(small(tmp_path), scores)]))
    assert "tests/tiny learns Sardinian" in text
    for cell in ("3.501", "2.101 (-40 %)", "2.462 (+3 %)", "28.6", "33.7", "IT → SC", "93%", "12 sentences", "3.0 kB"):
        assert cell in text, cell
    assert max(len(line) for line in text.splitlines()) <= 100


def test_references_have_rows_where_they_were_asked_for(tmp_path: Path) -> None:
    scores = load_scores(FIXTURE.parent)
    entry = {"documents": 12, "bytes": 1500}
    given = {"base": {"it-sc": {"value": 3.0, **entry}}, "cpt": {"it-sc": {"value": 1.5, **entry}}}
    text = shown(one_table([(small(tmp_path), scores | {"translation_bits_per_byte": given})]))
    assert "bits, given the source ↓" in text
    assert "1.500 (-50 %)" in text
    assert "1.5 kB" in text


def test_recipes_side_by_side_share_base_and_copy(tmp_path: Path) -> None:
    one = json.loads(FIXTURE.read_text())
    other = copy.deepcopy(one)
    other["translation"]["sft"]["it-sc"]["bleu"] = 9.91
    text = shown(one_table([(small(tmp_path), one), (small(tmp_path, "two"), other)]), width=140)
    assert text.count("base ") == 1
    assert text.count("after CPT") == 1  # the same CPT, so the same scores
    assert text.count("after SFT") == 2
    assert "two" in text
    assert "9.9" in text


def test_few_sentences_are_said() -> None:
    scores = load_scores(FIXTURE.parent)
    assert footnote(scores).startswith("± of 12 sentences is too narrow")
    scores["translation"]["copy"]["it-sc"]["sentences"] = FEW_SENTENCES
    assert footnote(scores) == ""
    assert footnote({"translation": {}}) == ""


def test_a_narrow_terminal_gets_several_tables(tmp_path: Path) -> None:
    one = json.loads(FIXTURE.read_text())
    other = copy.deepcopy(one)
    other["translation"]["sft"]["it-sc"]["bleu"] = 9.91
    parts = tables([(small(tmp_path), one), (small(tmp_path, "two"), other)], 80)
    assert len(parts) > 1
    texts = [shown(part, width=80) for part in parts]
    assert all("…" not in text and "bits per byte" in text for text in texts)
    whole = shown(one_table([(small(tmp_path), one), (small(tmp_path, "two"), other)]), width=300)
    words = set(" ".join(texts).replace("─", "").split())
    assert words == set(whole.replace("─", "").split())
    assert len(tables([(small(tmp_path), one)], 1)) == 4  # one system each, however narrow


def test_what_others_published_stands_last(tmp_path: Path) -> None:
    one = json.loads(FIXTURE.read_text())
    one["systems"].insert(0, "theirs")
    one["translation"]["theirs"] = {"it-sc": {"bleu": 12.7, "sentences": 997, "published": True}}
    headings = [heading for heading, _, _ in columns_of([(small(tmp_path), one)])]
    assert headings == ["copy", "base", "after CPT", "after SFT", "published:\ntheirs"]
