"""What the corpus stage needs besides text: an identifier's library, a cluster's programs."""

import shutil

from llimba.models.hub_access import HubAccess
from llimba.recipe import Recipe
from llimba.recipe.needs import Needs


def requirements(recipe: Recipe, needs: Needs, hub: HubAccess, card: str | None) -> None:
    """Add what is missing."""
    settings = recipe.corpus
    if settings.identifier is not None:
        needs.library("corpus.identifier", "a fastText model", "fasttext", "fasttext-predict>=0.9.2.4")
    if settings.executor.kind == "ray":
        needs.library("corpus.executor", "kind: ray", "ray", "ray>=2.40")
    if settings.executor.kind == "slurm" and shutil.which("sbatch") is None:
        needs.lacks(
            "corpus.executor",
            "kind: slurm needs sbatch, which is not here",
            "run on a node of the cluster, or set local",
        )
