"""Which source is translated for instruction tuning, and by what: a section per engine."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from llimba.recipe.section import Section


class Translated(Section):
    """What the translation of every source says, whatever its engine. The rows' originals are left out."""

    source_language: str  # of the rows, as a code of the profile's names
    max_rows: int | None = Field(default=None, gt=0)
    min_length_ratio: float = Field(default=0.5, gt=0)  # characters of a message's translation to its original's
    max_length_ratio: float = Field(default=2.0, gt=0)
    max_unknown: float = Field(default=0.3, ge=0, le=1)  # share of a sentence's words that the engine did not know


class ApertiumTranslation(Translated):
    """Rules: the installed `apertium`, or Debian's packages unpacked into a folder without root."""

    engine: Literal["apertium"]
    route: list[str] = Field(min_length=1)  # its modes one after another, e.g. [eng-cat, cat-srd]
    # where its program and data lie decides nothing: the digests of the data do, and they key the cache
    prefix: str | None = Field(default=None, exclude=True)  # a folder of unpacked packages, in place of the system's
    packages: list[str] = Field(default=[], exclude=True)  # Debian packages to fetch and unpack where none is installed


class NllbTranslation(Translated):
    """NLLB-200 (or any sequence-to-sequence model with its language codes); CTranslate2 for a converted folder."""

    engine: Literal["nllb"]
    hub: str | None = None  # default: facebook/nllb-200-distilled-600M
    revision: str | None = None
    folder: Path | None = None  # of transformers, or converted by ct2-transformers-converter
    source_code: str  # e.g. eng_Latn
    target_code: str | None = None  # default: the profile's `flores`
    num_beams: int = Field(default=4, gt=0)
    max_new_tokens: int = Field(default=256, gt=0)
    batch_size: int = Field(default=16, gt=0)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.hub and self.folder:
            raise ValueError("give hub or folder, not both")
        return self


class ModelTranslation(Translated):
    """A causal model that llimba made: the recipe's own CPT model, or a folder."""

    engine: Literal["model"]
    folder: Path | None = None  # default: this recipe's CPT model, which is then made first
    max_new_tokens: int = Field(default=256, gt=0)
    batch_size: int = Field(default=16, gt=0)


AnyTranslation = Annotated[ApertiumTranslation | NllbTranslation | ModelTranslation, Field(discriminator="engine")]
