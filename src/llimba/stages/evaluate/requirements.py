"""What the evaluate stage needs: the base model to compare with, engines of baselines."""

from llimba.models.hub_access import HubAccess
from llimba.models.translators.lacking import engine_needs
from llimba.recipe import Recipe
from llimba.recipe.needs import Needs


def requirements(recipe: Recipe, needs: Needs, hub: HubAccess, card: str | None) -> None:
    """Add what is missing; a baseline whose engine is not to be had is left out of the table, so it is no refusal."""
    for place, model in zip(("base_model", "base_model.checkpoint_of"), recipe.base_models, strict=False):
        hub.model(place, model)
    for heading, engines in recipe.evaluate.baselines.items():
        for direction, engine in engines.items():
            engine_needs(f"evaluate.baselines.{heading}.{direction}", engine, needs, hub, certain=False)
