"""What conversations are made of."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from llimba.data_files.faults import Fault
from llimba.recipe.section import Section, Whole, unknown, unnamed
from llimba.recipe.translate import AnyTranslation, BackTranslation


class InstructSection(Section):
    """Conversations for instruction tuning."""

    directions: list[str] = []  # pairs become translation conversations in these
    translate: dict[str, AnyTranslation] = {}  # source name -> how its rows are brought into the language
    back_translate: BackTranslation | None = None  # authentic sentences into other languages, turned round
    # source name -> how often each of its rows stands in the end; 0: not at all
    upsample: dict[str, Annotated[int, Field(ge=0)]] = {}
    # of conversations with the same questions and the same answers the first stays; false: all, and they are counted
    deduplicate: bool = True
    max_conversations: int | None = Field(default=None, gt=0)  # before upsampling
    prompt_languages: list[str] = ["en"]
    system_prompt_share: float = Field(default=0.5, ge=0, le=1)
    min_words: int = Field(default=3, ge=1)
    max_words: int = Field(default=80, ge=1)

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Its directions have names, and its sources are there."""
        yield from unnamed(self.directions, whole)
        yield from unknown("translate", self.translate, whole.sources, "source")
        yield from unknown("upsample", self.upsample, whole.sources, "source")
