"""The one table of machine-translation engines: which section of a recipe opens which."""

from pathlib import Path

from llimba.language import Language
from llimba.recipe import AnyTranslation, ApertiumTranslation, NllbTranslation
from llimba.translators.engine import Engine


def open_engine(settings: AnyTranslation, language: Language, cpt: Path | None) -> Engine:
    """The engine that a recipe names; `cpt` is the recipe's own CPT stage folder, where it has one."""
    if isinstance(settings, ApertiumTranslation):
        from llimba.translators.apertium import Apertium

        return Apertium(settings)
    if isinstance(settings, NllbTranslation):
        from llimba.translators.nllb import open_nllb

        return open_nllb(settings, language)
    from llimba.translators.own_model import OwnModel

    return OwnModel(settings, language, cpt)
