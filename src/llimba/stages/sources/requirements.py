"""What the sources of a recipe need: access to hub sets, clients for packages; local files are asked for elsewhere."""

from pathlib import Path

from llimba.models.hub_access import HubAccess, client_needs
from llimba.recipe import HubSource, PackageSource, Recipe
from llimba.recipe.needs import Needs


def requirements(recipe: Recipe, needs: Needs, hub: HubAccess, card: str | None) -> None:
    """Add what is missing of every source."""
    for name, source in recipe.sources.items():
        if isinstance(source, HubSource) and Path(source.dataset).expanduser().is_dir():
            continue  # a data set that lies on this disk
        if isinstance(source, HubSource):
            subsets = [*source.subsets.values(), *([source.subset] if source.subset else [])]
            few = source.max_documents is not None
            hub.dataset(f"sources.{name}.dataset", source.dataset, source.revision, subsets=subsets, streamed=few)
        elif isinstance(source, PackageSource):
            for package in source.packages:
                client_needs(f"sources.{name}.packages", source.client, package, needs)
