"""What the finished folders are called, where they go, under which licence, and whom their cards name."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from llimba.data_files.faults import Fault
from llimba.recipe.citation import Paper
from llimba.recipe.licensing.derive import conflict
from llimba.recipe.section import Section, Whole


def hub_id(value: str) -> str:
    """`value` where the hub would take it as owner/name; raises `ValueError`."""
    from huggingface_hub.utils import validate_repo_id

    if "/" not in value:
        raise ValueError(f"'{value}' has no owner: write OWNER/NAME, as in the model's address on the hub")
    validate_repo_id(value)
    return value


HubId = Annotated[str, AfterValidator(hub_id)]


class PublishSection(Section):
    """The finished folders and their cards."""

    title: str | None = None  # default: the name in `repository`, else of base model and language
    repository: HubId | None = None  # owner/name on the hub of the finished model: its card and llimba push name it
    cpt_repository: HubId | None = None  # of the CPT checkpoint, where it is tuned further
    authors: list[str] = []  # who publishes the model, for its citation
    paper: Paper | None = None  # that describes it
    license: str | None = None  # default: derived, the most restrictive of base model and training text
    acknowledge: str | None = Field(default=None, min_length=20)  # why a licence conflict is accepted; the card says it
    # for the card's estimate of energy and CO2
    watts: float | None = Field(default=None, gt=0)  # of one device; default: from a table, by its name
    grams_per_kwh: float | None = Field(default=None, ge=0)  # of CO2, where it was trained; default: none is claimed

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Two models go to two places; the licence fits the base model and the text, or somebody says why it may."""
        if self.cpt_repository and not whole.has_cpt:
            yield Fault(("cpt_repository",), "the recipe has no cpt, so there is no CPT checkpoint: leave it out")
        if self.cpt_repository and self.cpt_repository == self.repository:
            yield Fault(
                ("cpt_repository",), "is repository itself, and one model would replace the other: give it another name"
            )
        derived = whole.derived_license
        if not self.acknowledge and (found := conflict(derived, self.license)):
            yield Fault(
                ("license",),
                f"{found}. Set publish.license: {derived.terms.license.lower()}, or leave the part out, or say under "
                "publish.acknowledge why it is right all the same; the model card repeats it",
            )
