"""An engine gets no more sentences a call than it takes, and none of them knows the table of engines."""

from llimba.models.translators.engine import Translation, translate_all
from tests import ROOT
from tests.models.translators.engines import Backwards


def test_sentences_come_in_calls_that_an_engine_takes() -> None:
    sizes: list[int] = []

    class Counts(Backwards):
        def translate(self, sentences: object) -> list[Translation]:
            sizes.append(len(sentences))  # type: ignore[arg-type]
            return super().translate(sentences)  # type: ignore[arg-type]

    made = translate_all(Counts(), [f"number {word}" for word in ("ab", "cd", "ef", "gh")])
    assert [translation.text for translation in made] == ["rebmun ba", "rebmun dc", "rebmun fe", "rebmun hg"]
    assert sizes == [3, 1]
    assert all(translation.unknown == 0 for translation in made)
    assert translate_all(Counts(), []) == []


def test_no_engine_knows_the_table() -> None:
    folder = ROOT / "src" / "llimba" / "models" / "translators"
    engines = {path.stem: path.read_text() for path in folder.glob("*.py")}
    assert "def open_engine(" in engines.pop("engines")
    assert not [name for name, text in engines.items() if "translators.engines" in text]
