"""What the settings of a training section come to where the recipe leaves them open, each with its reason.

`training/settings.py` resolves them once; the run, `llimba plan` and the manifest read the same object.
"""

from typing import Generic, TypeVar

from pydantic import BaseModel

Value = TypeVar("Value")


class Resolved(BaseModel, Generic[Value], frozen=True):
    """One value and why it was taken."""

    value: Value
    reason: str


class ResolvedSettings(BaseModel, frozen=True):
    """Every setting that "auto" or silence leaves open."""

    precision: Resolved[str]  # bf16 | mixed | fp32
    optimizer: Resolved[str]  # adamw | adamw_8bit | paged_adamw_8bit
    stochastic_rounding: Resolved[bool]  # of bf16 weights
    attention: Resolved[str]  # loop | sdpa | varlen | flash_attention_2
    row_length: Resolved[int]  # tokens of a packed row
