"""What `cpt` needs before it can train."""

from llimba.models.hub_access import HubAccess
from llimba.recipe import Recipe
from llimba.recipe.needs import Needs


def requirements(recipe: Recipe, needs: Needs, hub: HubAccess, card: str | None) -> None:
    """Add what is missing of model, libraries, memory and disk."""
    from llimba.training.requirements import training_needs

    hub.model("base_model", recipe.base_model)
    training_needs("cpt", recipe.base_model, recipe.cpt_section, needs, card)
