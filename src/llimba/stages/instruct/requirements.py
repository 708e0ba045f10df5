"""What the instruct stage needs: the engines that it translates with."""

from llimba.models.hub_access import HubAccess
from llimba.models.translators.lacking import engine_needs
from llimba.recipe import Recipe
from llimba.recipe.needs import Needs


def requirements(recipe: Recipe, needs: Needs, hub: HubAccess, card: str | None) -> None:
    """Add what is missing of every engine."""
    settings = recipe.instruct_section
    if settings.translate:
        needs.library("instruct.translate", "translating rows", "sentencex", "sentencex>=1.0")
    for name, engine in settings.translate.items():
        engine_needs(f"instruct.translate.{name}", engine, needs, hub)
    if (back := settings.back_translate) is not None:
        there = {"engine": back.engine} | {f"engines.{code}": one for code, one in back.engines.items()}
        for name, one in (there | {f"way_back.{code}": engine for code, engine in back.way_back.items()}).items():
            if one is not None:
                engine_needs(f"instruct.back_translate.{name}", one, needs, hub)
