"""Rows and columns are the same for every rendering: what is shared stays one, what was not measured is left out."""

from pathlib import Path
from typing import Any

from llimba.reports.rows import Bits, Evaluated, Rate, columns_of, label_rows, score_sections
from tests.fakes import recipe
from tests.reports.scores import SCORES, bits, changed, share, translated, with_faults


def small(tmp_path: Path, name: str = "one") -> Any:
    loaded = recipe(tmp_path, evaluate={"directions": ["it-sc"], "languages": ["sc", "it"]})
    return loaded.model_copy(update={"name": name})


def cells(tmp_path: Path, scores: Any, name: str) -> Any:
    """The cells of one row."""
    one = small(tmp_path)
    sections = score_sections(one, columns_of([Evaluated(one, scores)]))
    return next(row.cells for section in sections for row in section.rows if row.name == name)


def test_systems_with_equal_scores_are_one_column(tmp_path: Path) -> None:
    other = changed(SCORES, "sft", translation=translated(bleu=9.91, chrf=30.0))
    columns = columns_of([Evaluated(small(tmp_path), SCORES), Evaluated(small(tmp_path, "two"), other)])
    assert [column.heading for column in columns] == ["copy", "base", "after CPT", "after SFT\none", "after SFT\ntwo"]


def test_what_others_published_comes_last(tmp_path: Path) -> None:
    theirs = changed(SCORES, "theirs", translation=translated(bleu=12.7), published=True)
    systems = {"theirs": theirs.systems["theirs"], **SCORES.systems}
    scores = SCORES.model_copy(update={"systems": systems})
    headings = [column.heading for column in columns_of([Evaluated(small(tmp_path), scores)])]
    assert headings == ["copy", "base", "after CPT", "after SFT", "published:\ntheirs"]


def test_bits_are_compared_with_the_base_of_the_same_recipe(tmp_path: Path) -> None:
    copy, base, cpt, sft = cells(tmp_path, SCORES, "bits per byte, Sardinian")
    assert (copy, base) == (None, Bits(3.5012, None))
    assert cpt.value == 2.1014 and round(cpt.change, 2) == -39.98
    assert sft.value == 2.1516
    alone = SCORES.model_copy(update={"systems": {"model": SCORES.systems["sft"]}})
    assert cells(tmp_path, alone, "bits per byte, Sardinian") == [Bits(2.1516, None)]


def test_a_direction_without_the_first_systems_has_a_row(tmp_path: Path) -> None:
    more = {**SCORES.systems["sft"].translation, "sc-en": translated(bleu=5.0)["it-sc"]}
    found = cells(tmp_path, changed(SCORES, "sft", translation=more), "BLEU SC-EN")
    assert [cell and cell.value for cell in found] == [None, None, None, 5.0]


def test_answers_that_stop_are_the_rest(tmp_path: Path) -> None:
    scores = with_faults(SCORES, "sft", no_end=share(0.3333))
    assert cells(tmp_path, scores, "share of answers that stop") == [None, Rate(0.71), Rate(0.32), Rate(0.6667)]


def test_only_what_was_measured_has_a_row(tmp_path: Path) -> None:
    one = small(tmp_path)
    sections = score_sections(one, columns_of([Evaluated(one, SCORES)]))
    assert [section.heading for section in sections] == ["bits per byte ↓", "BLEU ↑", "chrF ↑", "chrF++ ↑", "behaviour"]
    assert [row.label for row in sections[-1].rows] == [
        "answers that stop",
        "in another script",
        "that copy the source",
        "that do not stop",
    ]
    nothing = SCORES.model_copy(update={"systems": {}})
    assert score_sections(one, columns_of([Evaluated(one, nothing)])) == []


def test_the_cost_of_training_is_the_tuned_models(tmp_path: Path) -> None:
    one = small(tmp_path)
    columns = columns_of([Evaluated(one, SCORES, {"seconds": "75"})])
    (row,) = score_sections(one, columns)[-1].rows
    assert (row.label, row.cells) == ("seconds", [None, None, None, "75"])


def test_labels_have_rows_without_a_change(tmp_path: Path) -> None:
    text = bits(2.0).model_copy(update={"by": {"norm": {"is": bits(1.5, 3, 700), "os": bits(2.5)}}})
    scores = changed(SCORES, "sft", bits_per_byte={"sc": text})
    rows = label_rows(small(tmp_path), columns_of([Evaluated(small(tmp_path), scores)]))
    assert [(row.label, row.cells[-1], row.bytes) for row in rows] == [
        ("Sardinian, norm is", Bits(1.5, None), 700),
        ("Sardinian, norm os", Bits(2.5, None), 1500),
    ]
