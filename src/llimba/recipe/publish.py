"""What the finished folder is called, and under which licence."""

from pydantic import Field

from llimba.recipe.section import Section


class PublishSection(Section):
    """The finished folder and its card."""

    title: str | None = None
    license: str | None = None  # default: derived, the most restrictive of base model and training text
    acknowledge: str | None = Field(default=None, min_length=20)  # why a licence conflict is accepted; the card says it
    # for the card's estimate of energy and CO2
    watts: float | None = Field(default=None, gt=0)  # of one device; default: from a table, by its name
    grams_per_kwh: float | None = Field(default=None, ge=0)  # of CO2, where it was trained; default: none is claimed
