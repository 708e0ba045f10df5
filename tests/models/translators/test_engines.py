"""The recipe's words choose the engine."""

from pathlib import Path

import pytest

from llimba.errors import StageError, Unavailable
from llimba.languages.profile import load_language
from llimba.models.translators.engines import open_engine, way_back
from llimba.recipe import ApertiumTranslation, ModelTranslation, NllbTranslation

SARDINIAN = load_language("srd")


def test_every_engine_is_found_and_says_what_it_lacks(tmp_path: Path) -> None:
    rules = ApertiumTranslation(engine="apertium", source_language="it", route=["ita-srd"], prefix=str(tmp_path))
    with pytest.raises(Unavailable, match="apt-get install"):
        open_engine(rules, SARDINIAN, None)
    with pytest.raises(StageError, match="needs a model"):
        open_engine(ModelTranslation(engine="model", source_language="it"), SARDINIAN, tmp_path)
    neural = NllbTranslation(engine="nllb", source_language="it", source_code="ita_Latn", folder=tmp_path)
    with pytest.raises(StageError, match="cannot be opened"):
        open_engine(neural, SARDINIAN, None)


def test_the_way_back_is_the_engine_turned_round_where_it_can_be() -> None:
    own = ModelTranslation(engine="model", source_language="sc", target_language="it")
    turned = way_back(own, "sc", "it", SARDINIAN)
    assert (turned.source_language, turned.target_language) == ("it", "sc")  # type: ignore[union-attr]
    neural = NllbTranslation(engine="nllb", source_language="sc", target_language="it", source_code="srd_Latn")
    turned = way_back(neural, "sc", "it", SARDINIAN)
    assert (turned.source_code, turned.target_code) == ("ita_Latn", "srd_Latn")  # type: ignore[union-attr]
    rules = ApertiumTranslation(engine="apertium", source_language="sc", route=["srd-ita"])
    assert way_back(rules, "sc", "it", SARDINIAN) is None
