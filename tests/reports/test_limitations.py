"""Limitations are what was measured, and only that."""

import copy
from pathlib import Path
from typing import Any

from llimba.reports.limitations import limitations
from tests.fakes import recipe
from tests.stages.publish.test_card import SCORES


def test_measured_failures_are_told_with_their_numbers(tmp_path: Path) -> None:
    text = limitations(recipe(tmp_path), SCORES)
    assert "Not every answer ends by itself: 0.93 of 12 did." in text
    assert "Share of answers that copy the source: 0.0833 (0.0149 to 0.3539) of 12." in text
    assert text.index("copy the source") < text.index("in another script"), "the commonest first"
    assert "Forgotten: Italian takes 2.4617 bits per byte, 2.4013 in the base model." in text
    assert "Sardinian takes" not in text
    assert "no better than" not in text
    assert "12 sentences a direction" in text


def test_worse_than_doing_nothing_is_told(tmp_path: Path) -> None:
    scores: dict[str, Any] = copy.deepcopy(SCORES)
    scores["translation"]["sft"]["it-sc"]["chrf"] = 25.0
    text = limitations(recipe(tmp_path), scores)
    assert "IT-SC: no better than giving the source back unchanged by chrF (25.0 against 28.62)." in text
    assert "than the base model" not in text


def test_what_was_not_seen_is_not_told(tmp_path: Path) -> None:
    scores: dict[str, Any] = copy.deepcopy(SCORES)
    scores["stopping"]["sft"]["share"] = 1.0
    scores["behaviour"]["sft"]["all"]["copy"]["share"] = 0.0
    text = limitations(recipe(tmp_path), scores)
    assert "ends by itself" not in text
    scores["stopping"]["sft"]["share"] = 0.5
    scores["kinds"] = {**scores["kinds"], "no_end": "answers that do not stop"}
    scores["behaviour"]["sft"]["all"]["no_end"] = {"share": 0.5, "low": 0.2, "high": 0.8, "answers": 12}
    assert limitations(recipe(tmp_path), scores).count("0.5") == 1, "one fault is told once"
    assert "copy the source" not in text


def test_probes_are_told_where_they_were_asked_for(tmp_path: Path) -> None:
    share = {"share": 0.4, "low": 0.2, "high": 0.6, "answers": 50}
    sure = {**share, "share": 0.3}
    scores = {**SCORES, "facts": {"sft": {"all": {"accuracy": share, "confident_wrong": sure, "chance": 0.25}}},
              "instructions": {"sft": {"all": share}}}  # fmt: skip
    text = limitations(recipe(tmp_path), scores)
    assert "Questions of fact: 0.4 right (0.2 to 0.6; chance 0.25), 0.3 wrong though sure, of 50." in text
    assert "Instructions: 0.4 followed (0.2 to 0.6) of 50." in text
