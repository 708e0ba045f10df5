"""What every part of a recipe has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the recipe: no key that is not declared, nothing changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
