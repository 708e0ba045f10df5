"""The table holds every score, however narrow the terminal."""

from pathlib import Path
from typing import Any

from rich.console import Console

from llimba.reports.rows import Evaluated
from llimba.reports.table import FEW_SENTENCES, footnote, render_tables
from tests.reports.scores import SCORES, bits, changed, translated
from tests.reports.test_rows import small


def shown(rendered: Any, width: int = 100) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(rendered)
    return console.export_text()


def one_table(*evaluated: Evaluated) -> Any:
    (rendered,) = render_tables(evaluated)
    return rendered


def two(tmp_path: Path) -> list[Evaluated]:
    """Two recipes that differ in instruction tuning."""
    other = changed(SCORES, "sft", translation=translated(bleu=9.91, chrf=30.0))
    return [Evaluated(small(tmp_path), SCORES), Evaluated(small(tmp_path, "two"), other)]


def test_every_score_is_in_the_table(tmp_path: Path) -> None:
    text = shown(one_table(Evaluated(small(tmp_path), SCORES)))
    assert "tests/tiny learns Sardinian" in text
    lines = [line.split() for line in text.splitlines()]
    for row in (
        "Sardinian – 3.501 2.101 (-40 %) 2.152 (-39 %) 3.0 kB",
        "Italian – 2.401 2.451 (+2 %) 2.462 (+3 %) 3.1 kB",
        "answers that stop – 71% 32% 93% 12 answers",
        "that copy the source – 8% (1-35) 8% (1-35) 8% (1-35) 12 answers",
    ):
        assert row.split() in lines, row
    for metric in ("4.6 ±1.2 1.6 ±1.2 2.6 ±1.2 7.7 ±1.2", "28.6 ±2.2 20.6 ±2.2 25.7 ±2.2 33.7 ±2.2"):
        assert ["IT", "→", "SC", *metric.split(), "12", "sentences"] in lines, metric
    assert "chrF++" not in text and "do not stop" not in text, "these are for the card"
    assert max(len(line) for line in text.splitlines()) <= 100


def test_references_have_rows_where_they_were_asked_for(tmp_path: Path) -> None:
    scores = changed(SCORES, "base", translation_bits_per_byte={"it-sc": bits(3.0)})
    scores = changed(scores, "cpt", translation_bits_per_byte={"it-sc": bits(1.5)})
    text = shown(one_table(Evaluated(small(tmp_path), scores)))
    assert "bits, given the source ↓" in text
    assert "1.500 (-50 %)" in text
    assert "1.5 kB" in text


def test_recipes_side_by_side_share_base_and_copy(tmp_path: Path) -> None:
    text = shown(one_table(*two(tmp_path)), width=140)
    assert text.count("base ") == 1
    assert text.count("after CPT") == 1  # the same CPT, so the same scores
    assert text.count("after SFT") == 2
    assert "two" in text
    assert "9.9" in text


def test_few_sentences_are_said() -> None:
    assert footnote(SCORES).startswith("± of 12 sentences is too narrow")
    systems = {
        name: system.model_copy(
            update={
                "translation": {
                    way: entry.model_copy(update={"sentences": FEW_SENTENCES})
                    for way, entry in system.translation.items()
                }
            }
        )
        for name, system in SCORES.systems.items()
    }
    assert footnote(SCORES.model_copy(update={"systems": systems})) == ""
    assert footnote(SCORES.model_copy(update={"systems": {}})) == ""


def test_a_narrow_terminal_gets_several_tables(tmp_path: Path) -> None:
    parts = render_tables(two(tmp_path), 80)
    assert len(parts) > 1
    texts = [shown(part, width=80) for part in parts]
    assert all("…" not in text and "bits per byte" in text for text in texts)
    whole = shown(one_table(*two(tmp_path)), width=300)
    words = set(" ".join(texts).replace("─", "").split())
    assert words == set(whole.replace("─", "").split())
    labels = [list(part.columns[0].cells) for part in parts]
    assert all(here == labels[0] for here in labels), "each has the same rows"
    width = max(map(len, shown(one_table(*two(tmp_path)), width=300).rstrip().splitlines()))
    assert [len(render_tables(two(tmp_path), w)) for w in (width, width - 1)] == [1, 2]
    assert len(render_tables([Evaluated(small(tmp_path), SCORES)], 1)) == 4  # one system each, however narrow
