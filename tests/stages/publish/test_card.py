"""The card is a pure function of manifests: its header is the hub's own, its numbers are the scores."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard

from llimba.stages.publish.card import card
from llimba.stages.publish.release import Release
from tests.fakes import recipe, recipe_content
from tests.stages.publish.released import manifests, released

NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?!\w)")
CODE = re.compile("```python.*?```", re.S)  # the example's own numbers


def test_card(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    text = card(released(loaded))
    parsed = ModelCard(text).data
    assert parsed.license == "mit"
    assert parsed.base_model == "tests/tiny"
    assert parsed.language[0] == "sc"
    results = {(r.metric_name, r.metric_value) for r in parsed.eval_results}
    assert results == {
        ("IT-SC BLEU", 7.67),
        ("IT-SC chrF", 33.68),
        ("sc bits per byte", 2.1516),
        ("it bits per byte", 2.4617),
    }
    for row in (
        "| bits per byte, Sardinian | – | 3.5012 | 2.1014 | 2.1516 | 3 documents, 3000 bytes |",
        "| bits per byte, Italian | – | 2.4013 | 2.4515 | 2.4617 | 3 documents, 3100 bytes |",
        "| BLEU IT-SC | 4.61 ±1.17 | 1.63 ±1.17 | 2.65 ±1.17 | 7.67 ±1.17 | 12 sentences |",
        "| chrF IT-SC | 28.62 ±2.18 | 20.64 ±2.18 | 25.66 ±2.18 | 33.68 ±2.18 | 12 sentences |",
        "| chrF++ IT-SC | 26.57 ±2.19 | 18.59 ±2.19 | 23.61 ±2.19 | 31.63 ±2.19 | 12 sentences |",
        "| share of answers that do not stop | – | 0.29 (0.145 to 0.49) | 0.68 (0.34 to 0.88) | 0.07 (0.035 to 0.27) "
        "| 12 answers |",
        "| learning_rate | 0.003 | 0.003 |",
        "| optimizer steps | 40 | 40 |",
        "| loss-bearing tokens | 60000 | 60000 |",
        "| tokens per second | 281.5 | 281.5 |",
        "| first loss | 4.5 | 4.5 |",
        "| last loss | 2.9 | 2.9 |",
        "| seconds | 12.5 | 12.5 |",
        "| peak memory | 3.0 GiB | 3.0 GiB |",
        "| mine | CC0-1.0 | trained on | 5 | 6 | sc 1,234 |",
        "| eval | MIT | scored on, never trained on | 0 | 0 | – |",
        "| instruct | `instruct0123` | 12.5 |",
    ):
        assert row in text.splitlines(), row
    assert "Contamination: 77 evaluation sentences" in text
    assert "8 passages were removed, 0 survive. Instruction tuning used 321 conversations." in text
    assert str(tmp_path) not in text
    assert "secret" not in text


def numbers(value: Any) -> set[str]:
    """Every number in a JSON value, inside texts too, in the ways that the cards write it."""
    if isinstance(value, dict):
        return set().union(*(numbers(part) for pair in value.items() for part in pair))
    if isinstance(value, list):
        return set().union(*(numbers(part) for part in value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        hours = f"{value / 3600:.1f}" if value >= 360 else ""
        rounded = f"{value:.2g}"
        return {str(value), f"{value:,}", f"{value:g}", f"{value / 2**30:.1f}", hours, *NUMBER.findall(rounded)}
    return set(NUMBER.findall(str(value)))


def untraced(release: Release, text: str) -> set[str]:
    """The numbers of a card's text that are in no manifest, no score and no licence."""
    stages = {stage: manifest.model_dump() for stage, manifest in release.manifests.items()}
    licenses = [source.license for source in release.recipe.sources.values()]
    scores = release.scores.model_dump(mode="json")
    known = numbers([stages, scores, asdict(release.spent), licenses, release.recipe.publish.model_dump(mode="json")])
    if "cpt" in release.manifests:  # the one sum that a card does
        known.add(f"{sum(release.manifests['cpt'].facts['tokens_per_epoch'].values()):,}")
    body = CODE.sub("", text.split("---\n", 2)[2])
    assert len(NUMBER.findall(body)) > 50
    return {number for number in NUMBER.findall(body) if number not in known}


def test_every_number_of_the_card_stands_in_a_manifest(tmp_path: Path) -> None:
    release = released(recipe(tmp_path, publish={"watts": 87.5, "grams_per_kwh": 213}))
    text = card(release)
    assert not untraced(release, text)
    assert untraced(release, text.replace("321", "322")) == {"322"}


def test_what_was_not_measured_or_not_used_is_not_said(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    made = manifests(loaded)
    made["sft"].facts["tokens_per_second"] = None  # the run was interrupted
    text = card(released(loaded, made=made))
    assert "| tokens per second | 281.5 | – |" in text
    assert "lora_r" not in text
    adapted = recipe(tmp_path, sft={"method": "rslora", "lora_r": 8, "sequence_length": 512, "row_length": 512})
    assert "| lora_r | – | 8 |" in card(released(adapted))


def test_the_licence_is_derived_and_a_conflict_is_repeated(tmp_path: Path) -> None:
    sources = recipe_content(tmp_path)["sources"]
    sources["prose"]["license"] = "CC-BY-NC-4.0"
    words = "Its author gave us leave in writing on 3 May."
    loaded = recipe(tmp_path, sources=sources, publish={"license": "mit", "acknowledge": words})
    text = card(released(loaded))
    assert "| source prose | CC-BY-NC-4.0 | attribution, non-commercial |" in text
    assert "the model is declared mit, but source prose is CC-BY-NC-4.0" in text
    assert words in text
    assert ModelCard(text).data.license == "mit"
    derived = recipe(tmp_path, base_model={**recipe_content(tmp_path)["base_model"], "license": "GPL-3.0-or-later"})
    assert ModelCard(card(released(derived))).data.license == "gpl-3.0"
    assert "derived: base model tests/tiny decides" in card(released(derived))
    named = {**recipe_content(tmp_path)["base_model"], "name": "google/gemma-4-E2B-it", "license": "gemma"}
    differs = recipe(tmp_path, base_model=named)
    row = "| base model google/gemma-4-E2B-it (declared gemma, published as Apache-2.0) | gemma |"
    assert row in card(released(differs))


def test_a_licence_that_the_hub_has_no_name_for_gets_a_name_and_a_link(tmp_path: Path) -> None:
    base = {**recipe_content(tmp_path)["base_model"], "name": "Qwen/Qwen2.5-3B-Instruct", "license": "qwen-research"}
    loaded = recipe(tmp_path, base_model=base, publish={"license": "qwen-research"})
    data = ModelCard(card(released(loaded)), ignore_metadata_errors=False).data
    assert (data.license, data.license_name) == ("other", "qwen-research")
    assert data.license_link.startswith("https://")


def test_every_part_that_a_reader_looks_for_is_there(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    text = card(released(loaded))
    headings = ("Lineage", "Scores", "Training", "Data", "Licence", "Limitations", "Energy", "Provenance", "Citation")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == list(headings)
    assert "1. tests/tiny (a folder; licence mit)" in text
    assert "2. continued pretraining, 60,000 tokens (stage `cpt0123`)" in text
    assert "3. instruction tuning, full, 321 conversations (stage `sft0123`)" in text
    assert "| sc | 0.6 | 42,000 |" in text, "the replay mix: asked for, and as it came to"
    assert "| it | 2.0 | 2.1 | 2.0 | 2.1 |" in text, "what was forgotten"
    assert "8 passages were removed" in text


def test_emissions_are_in_grams_as_the_hub_wants_them(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, publish={"watts": 200, "grams_per_kwh": 300})
    made = manifests(loaded)
    made |= {stage: made[stage].model_copy(update={"seconds": s}) for stage, s in (("cpt", 3600), ("sft", 5400))}
    data = ModelCard(card(released(loaded, made=made)), ignore_metadata_errors=False).data
    assert data.co2_eq_emissions["emissions"] == 150.0  # 2.5 h x 200 W x 300 g/kWh
    assert "co2_eq_emissions" not in ModelCard(card(released(recipe(tmp_path), made=made))).data.to_dict()


def test_the_header_survives_the_hubs_own_reading_and_writing(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, publish={"grams_per_kwh": 300})
    text = card(released(loaded))
    parsed = ModelCard(text, ignore_metadata_errors=False)
    again = ModelCard(str(parsed), ignore_metadata_errors=False)
    assert again.data.to_dict() == parsed.data.to_dict()
    assert again.text == parsed.text
    assert {result.verified for result in again.data.eval_results} == {None}


def test_interpolation_is_part_of_the_lineage(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    made = manifests(loaded)
    assert "of the way" not in card(released(loaded, made=made))
    made["cpt"].facts["interpolation"] = {"weight": 0.7, "reason": "lowest bits per byte", "table": []}
    text = card(released(loaded, made=made))
    assert "3. weights put at 0.7 of the way from before that training to after it: lowest bits per byte" in text


def test_copies_and_text_as_it_is_are_said(tmp_path: Path) -> None:
    as_is = released(recipe(tmp_path, corpus={"as_is": True}))
    text = card(as_is)
    assert "as its sources give it" in text
    assert "further copy" not in text
    for removed, words in ((9, "was left out"), (0, "is trained on as well")):
        as_is.manifests["instruct"].facts.update(duplicates=9, duplicates_removed=removed)
        assert f"a further copy of a conversation, of which there were 9, {words}" in card(as_is)
    assert "as its sources give it" not in card(released(recipe(tmp_path)))
