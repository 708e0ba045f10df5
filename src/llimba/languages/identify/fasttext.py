"""GlotLID, lid.176 or any other fastText identifier, in place of the one trained on the recipe's own texts.

The file is the person's own (`corpus.identifier`): no package registry carries GlotLID, and lid.176 recognises about
1 % of Sardinian sentences. `fasttext-predict` reads the format; the original package no longer builds.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.languages.identify.identifier import OTHER, Identifier, Label, by_paragraph

SURE = 0.5  # below this probability the answer is `other`; GlotLID's authors use thresholds around it


class FastText:
    """The same questions as `Identifier`; the model is loaded at the first of them, in whatever process that is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getstate__(self) -> dict[str, Any]:
        return {"_path": self._path}  # another process loads the model itself

    @cached_property
    def _model(self) -> Any:
        try:
            import fasttext
        except ImportError:
            raise StageError(
                "corpus.identifier: fastText models need one more package. Install it: pip install 'llimba[fasttext]'"
            ) from None
        try:
            return fasttext.load_model(str(self._path))
        except (ValueError, OSError, RuntimeError) as error:
            raise StageError(f"corpus.identifier: {self._path} is no fastText model ({error}).") from error

    def label_many(self, texts: Sequence[str]) -> list[Label]:
        """The language of each text, or `other`."""
        found = []
        for text in texts:
            ((score, label),) = self._model.f.predict(f"{' '.join(text.split())}\n", 1, 0.0, "strict") or [(0.0, "")]
            found.append(Label(_code(label) if score >= SURE else OTHER, round(min(float(score), 1.0), 4)))
        return found

    def paragraphs(self, texts: Sequence[str]) -> list[list[tuple[str, Label]]]:
        """Of each text every line with its language."""
        return by_paragraph(self.label_many, texts)


AnyIdentifier = Identifier | FastText


def _code(label: str) -> str:
    """`__label__srd_Latn` and `__label__sc` are both `sc`."""
    from langcodes import standardize_tag

    language = label.removeprefix("__label__").partition("_")[0]
    try:
        return str(standardize_tag(language))
    except ValueError:
        return language
