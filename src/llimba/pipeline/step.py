"""One stage of a plan: where its output goes, and whether it is there."""

from pathlib import Path
from typing import Literal, NamedTuple

from llimba.manifest import Ingredients
from llimba.pipeline.stage_table import Stage

State = Literal["done", "partial", "stale", "missing"]


class Step(NamedTuple):
    """One stage of a plan: where its output goes, and whether it is there."""

    stage: Stage
    fingerprint: str
    folder: Path
    state: State
    why: str  # for the user: what is missing, or what changed since the last run of this recipe
    ingredients: Ingredients

    @property
    def partial(self) -> Path:
        """Where the stage works until it is finished."""
        return self.folder.with_name(f"{self.folder.name}.partial")

    @property
    def needs(self) -> list[str]:
        """The stages whose folders it reads."""
        return list(self.ingredients.needs)
