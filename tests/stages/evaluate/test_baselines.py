"""Published scores stand as they were published. Copy and engines: tests of the stage."""

from pathlib import Path

from llimba.recipe.published_scores.table import read_published
from llimba.reports.evaluated import EvaluatedFolder, read_answers
from llimba.reports.scores import Score, Translation
from llimba.stages.evaluate.baselines import copy_scores, published_scores
from tests.fakes import pair

DIRECTIONS = ["en-sc", "it-sc", "es-sc", "sc-en", "sc-it", "sc-es"]


def test_the_published_table_is_the_cards() -> None:
    systems = published_scores([read_published("llimba-3b")], DIRECTIONS)
    cpt = systems["LLiMba CPT"].translation
    assert {d: (of.bleu and of.bleu.value, of.chrf and of.chrf.value) for d, of in cpt.items()} == {
        "en-sc": (17.26, 47.81),
        "it-sc": (12.71, 44.83),
        "es-sc": (11.36, 43.35),
        "sc-en": (33.52, 62.78),
        "sc-it": (16.53, 48.83),
        "sc-es": (19.31, 47.76),
    }
    assert cpt["en-sc"].sentences == 997 and systems["LLiMba CPT"].published
    only = {"en-sc": Translation(sentences=997, bleu=Score(value=21.0))}
    assert systems["LLiMba SFT full"].translation == only


def test_only_the_directions_asked_for() -> None:
    systems = published_scores([read_published("llimba-3b")], ["sc-it"])
    assert set(systems) == {"LLiMba base", "LLiMba CPT"}
    assert set(systems["LLiMba CPT"].translation) == {"sc-it"}


def test_a_copy_is_saved_and_scored(tmp_path: Path) -> None:
    rows = [pair(n, it=f"uno due tre quattro {n}", sc=f"unu duos tres bator {n}") for n in range(3)]
    folder = EvaluatedFolder(tmp_path)
    scores = copy_scores({"it-sc": rows}, folder).translation["it-sc"]
    assert scores.sentences == 3 and scores.bleu and scores.bleu.value < 20
    saved = read_answers(folder.answers_file("copy", "it-sc"))
    assert [(row.hypothesis, row.reference) for row in saved] == [(row.texts["it"], row.texts["sc"]) for row in rows]
