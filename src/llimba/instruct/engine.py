"""What a machine-translation engine is to the instruct stage, and the one table of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from llimba.language import Language
from llimba.recipe import AnyTranslation, ApertiumTranslation, NllbTranslation


class Translation(NamedTuple):
    """One translated sentence."""

    text: str
    unknown: int = 0  # words that the engine did not know; rule-based engines say so, neural ones do not


class Engine(Protocol):
    """Translates sentences; `identity` is everything that decides its output, as JSON."""

    name: str  # for the rows' `engine`
    identity: dict[str, Any]
    batch: int  # sentences a call

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """One translation a sentence, in order."""
        ...


def open_engine(settings: AnyTranslation, language: Language, cpt: Path | None) -> Engine:
    """The engine that a recipe names; `cpt` is the recipe's own CPT stage folder, where it has one."""
    if isinstance(settings, ApertiumTranslation):
        from llimba.instruct.apertium import Apertium

        return Apertium(settings)
    if isinstance(settings, NllbTranslation):
        from llimba.instruct.nllb import open_nllb

        return open_nllb(settings, language)
    from llimba.instruct.own_model import OwnModel

    return OwnModel(settings, language, cpt)
