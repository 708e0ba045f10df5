"""A translation without a count of unknown words has none, and no engine knows of another."""

from llimba.models.translators.engine import Translation
from tests import ROOT


def test_neural_engines_count_no_unknown_words() -> None:
    assert Translation("unu") == Translation("unu", unknown=0)


def test_no_engine_knows_the_table() -> None:
    folder = ROOT / "src" / "llimba" / "models" / "translators"
    for name in ("apertium", "nllb", "own_model", "engine"):
        assert "instruct.engines" not in (folder / f"{name}.py").read_text()
