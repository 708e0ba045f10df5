"""Every system a column, every score a row with all its digits and what it was measured on."""

from pathlib import Path

from llimba.reports.score_table import render_scores
from llimba.reports.scores import Facts, Instructions, Knowledge, LanguageShares, Published
from tests.fakes import recipe
from tests.reports.scores import SCORES, bits, changed, share, translated


def test_rows_and_how_they_were_measured(tmp_path: Path) -> None:
    text = render_scores(recipe(tmp_path), SCORES)
    assert "|  | copy | base | cpt | sft | rests on |" in text
    assert "| bits per byte, Sardinian | – | 3.5012 | 2.1014 | 2.1516 | 3 documents, 3000 bytes |" in text
    assert "| BLEU IT-SC | 4.61 ±1.17 | 1.63 ±1.17 | 2.65 ±1.17 | 7.67 ±1.17 | 12 sentences |" in text
    assert "| chrF++ IT-SC | 26.57 ±2.19 |" in text
    assert "| share of answers that do not stop | – | 0.29 (0.145 to 0.49) | 0.68 (" in text
    assert "answers that stop" not in text, "every number of the card is in scores.json as it is"
    assert "`nrefs:1|tok:13a`" in text
    assert "another language" not in text, "a fault that was never looked for has no row"


def test_probes_have_rows_where_they_were_asked_for(tmp_path: Path) -> None:
    known = Knowledge(accuracy=share(), confident_wrong=share(0.3), chance=0.25)
    probed = changed(SCORES, "base", translation_bits_per_byte={"it-sc": bits(3.1)})
    probed = changed(probed, "base", instructions=Instructions(all=share(), by_kind={}, by_prompt_language={}))
    probed = changed(
        probed,
        "sft",
        translation_bits_per_byte={"it-sc": bits(1.4)},
        facts=Facts(all=known, by_language={}),
        mode_switch={
            0.6: LanguageShares(target=share(0.7), neighbours={"it": share(0.3)}, mixed=share(0), unknown=share(0))
        },
    )
    text = render_scores(recipe(tmp_path), probed)
    assert "given the source, IT-SC | – | 3.1 | – | 1.4 | 12 sentences, 1500 bytes |" in text
    asked = "50 questions, chance 0.25 |"
    assert f"| share of questions of fact answered rightly | – | – | – | 0.4 (0.2 to 0.6) | {asked}" in text
    assert f"though sure | – | – | – | 0.3 (0.2 to 0.6) | {asked}" in text
    assert "| share of instructions followed | – | 0.4 (0.2 to 0.6) | – | – | 50 instructions |" in text
    wholly = "| share of answers wholly in Sardinian at temperature 0.6 "
    assert f"{wholly}| – | – | – | 0.7 (0.2 to 0.6) | 50 answers |" in text


def test_published_scores_have_no_interval(tmp_path: Path) -> None:
    scores = changed(SCORES, "theirs", translation=translated(bleu=12.71), published=True)
    source = Published(title="Others", source="their card", conditions="Greedy", sentences=997, systems={})
    text = render_scores(recipe(tmp_path), scores.model_copy(update={"published": [source]}))
    assert "| BLEU IT-SC | 4.61 ±1.17 | 1.63 ±1.17 | 2.65 ±1.17 | 7.67 ±1.17 | 12.71 | 12 sentences |" in text
    (chrf,) = [line for line in text.splitlines() if line.startswith("| chrF IT-SC |")]
    assert chrf.count("±") == 4 and chrf.endswith("| – | 12 sentences |")
    assert "Others: published by others (their card). Greedy. Other sentences" in text
