"""The recipe's words choose the engine."""

from pathlib import Path

import pytest

from llimba.errors import StageError, Unavailable
from llimba.language import load_language
from llimba.recipe import ApertiumTranslation, ModelTranslation, NllbTranslation
from llimba.translators.engines import open_engine

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
