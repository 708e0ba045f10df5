"""What the finished folder is called, and under which licence."""

from collections.abc import Iterator

from pydantic import Field

from llimba.data_files.faults import Fault
from llimba.recipe.licensing.derive import conflict
from llimba.recipe.section import Section, Whole


class PublishSection(Section):
    """The finished folder and its card."""

    title: str | None = None
    license: str | None = None  # default: derived, the most restrictive of base model and training text
    acknowledge: str | None = Field(default=None, min_length=20)  # why a licence conflict is accepted; the card says it
    # for the card's estimate of energy and CO2
    watts: float | None = Field(default=None, gt=0)  # of one device; default: from a table, by its name
    grams_per_kwh: float | None = Field(default=None, ge=0)  # of CO2, where it was trained; default: none is claimed

    def check(self, whole: Whole) -> Iterator[Fault]:
        """The licence fits the base model and the text, or somebody says why it is right all the same."""
        derived = whole.derived_license
        if not self.acknowledge and (found := conflict(derived, self.license)):
            yield Fault(
                ("license",),
                f"{found}. Set publish.license: {derived.terms.license.lower()}, or leave the part out, or say under "
                "publish.acknowledge why it is right all the same; the model card repeats it",
            )
