"""The one table of machine-translation engines: which section of a recipe opens which."""

from pathlib import Path

from llimba.languages.profile import Language
from llimba.models.translators.engine import Engine
from llimba.recipe import AnyTranslation, ApertiumTranslation, NllbTranslation


def open_engine(settings: AnyTranslation, language: Language, cpt: Path | None) -> Engine:
    """The engine that a recipe names; `cpt` is the recipe's own CPT stage folder, where it has one."""
    if isinstance(settings, ApertiumTranslation):
        from llimba.models.translators.apertium import Apertium

        return Apertium(settings)
    if isinstance(settings, NllbTranslation):
        from llimba.models.translators.nllb import open_nllb

        return open_nllb(settings, language)
    from llimba.models.translators.own_model import open_own_model

    return open_own_model(settings, language, cpt)


def way_back(settings: AnyTranslation, source: str, target: str, language: Language) -> AnyTranslation | None:
    """The settings of what translates from `target` to `source` again; None for an engine that goes one way only."""
    turned = settings.model_copy(update={"source_language": target, "target_language": source})
    if isinstance(settings, NllbTranslation):
        from llimba.models.translators.nllb import flores_code

        codes = {
            "source_code": settings.target_code or flores_code(target, language),
            "target_code": settings.source_code,
        }
        return turned.model_copy(update=codes)
    return None if isinstance(settings, ApertiumTranslation) else turned
