"""A tag says what is known of a text, is left out of the share that was asked for, and is worded as the prompt is."""

from pathlib import Path
from typing import Any

import pytest

from llimba.errors import RecipeError
from llimba.languages.profile import load_language
from llimba.languages.prompts import completion_prompt
from llimba.recipe import EvaluateSection, NormTags, PairDocuments
from llimba.records import Document, Pair, write_records
from llimba.stages.cpt.pairs import pair_documents
from llimba.stages.cpt.stage import documents
from llimba.stages.cpt.tags import Tags
from llimba.stages.evaluate.tasks import wording
from llimba.stages.folders import CorpusFolder
from tests.fakes import SENTENCES, recipe, recipe_content

SARDINIAN = load_language("srd")
COMMON: dict[str, Any] = {"source": "s", "license": "x", "provenance": "p"}


def document(number: int, **said: str) -> Document:
    return Document(id=f"d{number}", text="Una lìnia.", language="sc", **{**COMMON, **said})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ""),
        ({"variety": "campidanesu", "norm": "is"}, "Campidanese"),
        ({"norm": "is"}, "plural is"),
        ({"variety": "lsc", "origin": "mt"}, "LSC, machine-translated"),
        ({"origin": "mt"}, "machine-translated"),
    ],
)
def test_the_closest_that_is_known_is_said(said: dict[str, str], expected: str) -> None:
    assert Tags(NormTags(dropout=0), SARDINIAN, 1).of(document(1, **said), "d1") == expected
    assert Tags(None, SARDINIAN, 1).of(document(1, **said), "d1") == ""


def test_the_share_that_goes_without_is_the_share_asked_for_and_stays_the_same() -> None:
    tags = Tags(NormTags(dropout=0.3), SARDINIAN, 1)
    without = [n for n in range(3000) if not tags.of(document(n, variety="lsc"), f"d{n}")]
    assert len(without) / 3000 == pytest.approx(0.3, abs=0.035)  # four standard deviations
    assert without == [n for n in range(3000) if not tags.of(document(n, variety="lsc"), f"d{n}")]


def test_pair_lines_are_tagged_on_the_side_of_the_language_to_be_learned() -> None:
    pair = Pair(id="a", texts={code: SENTENCES[code][0] for code in ("sc", "it")}, variety="lsc", **COMMON)
    settings = PairDocuments(directions=["it-sc", "sc-it"])
    into, out_of = pair_documents([pair], settings, SARDINIAN, Tags(NormTags(dropout=0), SARDINIAN, 1))
    assert into.text == f"Italian: {pair.texts['it']}\nSardinian (LSC): {pair.texts['sc']}"
    assert out_of.text == f"Sardinian (LSC): {pair.texts['sc']}\nItalian: {pair.texts['it']}"
    assert into.text.startswith(completion_prompt(SARDINIAN, "it-sc", pair.texts["it"], "LSC"))


def test_documents_stand_under_their_tag_and_replay_does_not(tmp_path: Path) -> None:
    content = recipe_content(tmp_path)
    loaded = recipe(tmp_path, cpt={**content["cpt"], "norm_tags": {"dropout": 0}})
    replay = Document(id="r", text="Una riga.", language="it", variety="lsc", **COMMON)
    write_records(tmp_path / "documents.jsonl", [document(1, variety="logudoresu"), document(2), replay])
    texts = [d.text for d in documents(loaded, CorpusFolder(tmp_path))]
    assert texts == ["Sardinian (Logudorese):\nUna lìnia.", "Una lìnia.", "Una riga."]


def test_a_norm_can_be_asked_for(tmp_path: Path) -> None:
    asked = EvaluateSection(prompt="completion", norm_tag="lsc")
    assert wording(asked, SARDINIAN)("it-sc", "ciao") == "Italian: ciao\nSardinian (LSC):"
    assert wording(EvaluateSection(prompt="completion"), SARDINIAN)("it-sc", "ciao") == "Italian: ciao\nSardinian:"
    content = recipe_content(tmp_path)
    with pytest.raises(RecipeError, match="evaluate.norm_tag: 'lsc' must be one of .* evaluate.prompt: completion"):
        recipe(tmp_path, evaluate={**content["evaluate"], "norm_tag": "lsc"})
