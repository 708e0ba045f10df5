"""Limitations are what was measured, and only that."""

from pathlib import Path

from llimba.reports.limitations import limitations
from llimba.reports.scores import Facts, Instructions, Knowledge
from tests.fakes import recipe
from tests.reports.scores import SCORES, changed, share, translated, with_faults


def test_measured_failures_are_listed_with_their_numbers(tmp_path: Path) -> None:
    text = limitations(recipe(tmp_path), SCORES, "sft")
    assert "Share of answers that copy the source: 0.0833 (0.0149 to 0.3539) of 12." in text
    assert text.index("copy the source") < text.index("do not stop") < text.index("in another script"), (
        "the commonest first"
    )
    assert "Forgotten: Italian takes 2.4617 bits per byte, 2.4013 in the base model." in text
    assert "Sardinian takes" not in text
    assert "no better than" not in text
    assert "12 sentences a direction" in text


def test_worse_than_doing_nothing_is_said(tmp_path: Path) -> None:
    text = limitations(recipe(tmp_path), changed(SCORES, "sft", translation=translated(chrf=25.0)), "sft")
    assert "IT-SC: no better than giving the source back unchanged by chrF (25.0 against 28.62)." in text
    assert "than the base model" not in text
    equal = limitations(recipe(tmp_path), changed(SCORES, "sft", translation=translated(chrf=28.62)), "sft")
    assert "no better than giving the source back unchanged by chrF (28.62 against 28.62)" in equal


def test_a_language_predicted_as_well_as_before_is_not_forgotten(tmp_path: Path) -> None:
    base = SCORES.systems["base"].bits_per_byte
    assert "Forgotten" not in limitations(recipe(tmp_path), changed(SCORES, "sft", bits_per_byte=base), "sft")


def test_what_was_not_seen_is_left_out(tmp_path: Path) -> None:
    scores = with_faults(SCORES, "sft", copy=share(0.0))
    text = limitations(recipe(tmp_path), scores, "sft")
    assert "copy the source" not in text
    assert "do not stop" in text


def test_probes_are_listed_where_they_were_asked_for(tmp_path: Path) -> None:
    known = Knowledge(accuracy=share(), confident_wrong=share(0.3), chance=0.25)
    probed = changed(
        SCORES,
        "sft",
        facts=Facts(all=known, by_language={}),
        instructions=Instructions(all=share(), by_kind={}, by_prompt_language={}),
    )
    text = limitations(recipe(tmp_path), probed, "sft")
    assert "Questions of fact: 0.4 right (0.2 to 0.6; chance 0.25), 0.3 wrong though sure, of 50." in text
    assert "Instructions: 0.4 followed (0.2 to 0.6) of 50." in text
