"""What is scored, and on how much."""

from typing import Literal

from pydantic import Field

from llimba.recipe.section import Section


class EvaluateSection(Section):
    """Scores before and after: bits per byte, translation, stopping."""

    directions: list[str] = []
    languages: list[str] = []  # held-out bits per byte
    max_sentences: int | None = Field(default=None, gt=0)  # per direction
    max_words: int | None = Field(default=None, gt=0)  # longer sentences are left out of the translation set
    max_bytes: int | None = Field(default=None, gt=0)  # per language, of held-out text
    max_new_tokens: int = Field(default=256, gt=0)
    batch_size: int = Field(default=16, gt=0)
    precision: Literal["auto", "bf16", "fp32"] = "auto"
