"""What is translated for instruction tuning, into which language, and by what: a section per engine."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from llimba.data_files.faults import Fault, shortened
from llimba.package_names import fault_of
from llimba.recipe.section import Section, Whole, unknown

MODE = re.compile(r"\w[\w@.+-]*")  # of Apertium, e.g. eng-cat, cat-srd_LSC


class TranslationSection(Section):
    """What the translation of every source says, whatever its engine. The rows' originals are left out."""

    source_language: str  # of the rows, as a code of the profile's names
    target_language: str | None = None  # default: the language to be learned
    max_rows: int | None = Field(default=None, gt=0)
    min_length_ratio: float = Field(default=0.5, gt=0)  # characters of a message's translation to its original's
    max_length_ratio: float = Field(default=2.0, gt=0)
    max_unknown: float = Field(default=0.3, ge=0, le=1)  # share of a sentence's words that the engine did not know


class ApertiumTranslation(TranslationSection):
    """Rules: the installed `apertium`, or Debian's packages unpacked into a folder without root."""

    engine: Literal["apertium"]
    route: list[str] = Field(min_length=1)  # its modes one after another, e.g. [eng-cat, cat-srd]
    # where its program and data lie decides nothing: the digests of the data do, and they key the cache
    prefix: Path | None = Field(default=None, exclude=True)  # a folder of unpacked packages, in place of the system's
    packages: list[str] = Field(default=[], exclude=True)  # Debian packages to fetch and unpack where none is installed

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Packages are named as Debian names them, and modes are names."""
        for number, package in enumerate(self.packages):
            if fault := fault_of("apt", package):
                yield Fault(("packages", number), fault)
        for number, mode in enumerate(self.route):
            if MODE.fullmatch(mode) is None:
                yield Fault(("route", number), f"'{shortened(mode)}' is no name of a mode, such as eng-cat")


class NllbTranslation(TranslationSection):
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


class ModelTranslation(TranslationSection):
    """A causal model that llimba made: the recipe's own CPT model, or a folder."""

    engine: Literal["model"]
    folder: Path | None = None  # default: this recipe's CPT model, which is then made first
    prompt: Literal["chat", "completion"] = "chat"  # completion: "Italian: ... Sardinian:", for one that only had CPT
    backend: Literal["auto", "transformers", "vllm"] = "auto"  # auto: vLLM where it is installed and a GPU is there
    max_new_tokens: int = Field(default=256, gt=0)
    batch_size: int = Field(default=16, gt=0)

    def check(self, whole: Whole) -> Iterator[Fault]:
        """There is a model: a folder, or the recipe's own."""
        if self.folder is None and not whole.has_cpt:
            yield Fault((), "the engine model needs a folder, or a cpt section")


AnyTranslation = Annotated[ApertiumTranslation | NllbTranslation | ModelTranslation, Field(discriminator="engine")]


class BackTranslation(Section):
    """Authentic sentences of the language to be learned, translated out of it: pairs to translate into it by."""

    source: str = "documents"  # every document in the language, or those of one source
    into: list[str] = Field(min_length=1)  # codes; en: the pairs are for en -> the language to be learned
    engine: AnyTranslation | None = None  # its source_language need not be said
    engines: dict[str, AnyTranslation] = {}  # for a language that another engine or route translates into
    way_back: dict[str, AnyTranslation] = {}  # for the round trip, where the engine itself goes one way only
    norms: list[str] = []  # only documents of these written norms
    max_sentences: int | None = Field(default=None, gt=0)
    min_words: int = Field(default=4, ge=1)
    max_words: int = Field(default=60, ge=1)
    max_copied: float = Field(default=70.0, gt=0, le=100)  # chrF of a translation against its own original
    min_round_trip: float = Field(default=0.0, ge=0, le=100)  # chrF of the way there and back; 0: it is not taken back

    @field_validator("engine", "engines", mode="before")
    @classmethod
    def _out_of_the_language(cls, value: Any, info: ValidationInfo) -> Any:
        """It is always the language to be learned that is translated: nobody need say so."""
        if info.field_name == "engines" and isinstance(value, dict):
            return {code: _from_here(section) for code, section in value.items()}
        return _from_here(value)

    def engine_into(self, language: str) -> AnyTranslation | None:
        """What translates into a language."""
        return self.engines.get(language, self.engine)

    def check(self, whole: Whole) -> Iterator[Fault]:
        """What is to be translated is there, and every language has an engine that goes into it."""
        profile = whole.profile
        if self.source != "documents" and self.source not in whole.sources:
            yield Fault(("source",), f"there is no source '{self.source}'; `documents` means all of them")
        yield from unknown("norms", self.norms, profile.norms, "norm", f" in the profile of {profile.iso639_3}")
        for code in self.into:
            engine, back = self.engine_into(code), self.way_back.get(code)
            if code not in profile.names or code == profile.code:
                yield Fault(("into",), f"'{code}' must be another language that the profile has a name for")
            if engine is None:
                yield Fault((), f"nothing translates into '{code}': set engine, or engines.{code}")
            elif engine.source_language not in ("", profile.code):
                yield Fault((), f"what translates into '{code}' must translate from '{profile.code}'")
            if back is not None and back.source_language != code:
                yield Fault(("way_back", code), f"source_language must be '{code}'")


def _from_here(section: object) -> object:
    """An engine's section with a source language: the empty one, which stands for the language to be learned."""
    return {"source_language": "", **section} if isinstance(section, dict) else section
