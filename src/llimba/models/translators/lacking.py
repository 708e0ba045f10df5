"""What a translation engine that a recipe names lacks on this machine, asked before any work."""

from importlib.util import find_spec

from llimba.errors import StageError, Unavailable
from llimba.models.hub_access import HubAccess
from llimba.recipe import AnyTranslation, ApertiumTranslation, NllbTranslation
from llimba.recipe.needs import Needs


def engine_needs(key: str, settings: AnyTranslation, needs: Needs, hub: HubAccess, *, certain: bool = True) -> None:
    """Add what is missing; `certain` False where the stage does without an engine that is not to be had."""
    if isinstance(settings, ApertiumTranslation):
        from llimba.models.translators.apertium import open_or_fetchable

        try:
            open_or_fetchable(settings)
        except StageError as error:
            lacks, _, fix = str(error).partition(" Install ")
            what, how = lacks.rstrip(". "), f"Install {fix}" if fix else "take another engine"
            needs.lacks(key, what, how, certain=certain, elsewhere=isinstance(error, Unavailable))
    elif isinstance(settings, NllbTranslation):
        from llimba.models.translators.nllb import HUB

        if settings.folder is None:
            hub.ask(f"{key}.hub", "model", settings.hub or HUB, settings.revision)
        elif (settings.folder / "model.bin").exists():
            needs.library(key, "a folder converted for CTranslate2", "ctranslate2", "ctranslate2")
    elif settings.backend == "vllm" and find_spec("vllm") is None:
        needs.lacks(
            f"{key}.backend", "vllm is not installed", "pip install vllm (it needs a GPU), or say auto", certain=certain
        )
