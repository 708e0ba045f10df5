"""What is scored, and on how much."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from llimba.data_files.faults import Fault
from llimba.data_files.schema import FileOrName
from llimba.errors import RecipeError
from llimba.languages.prompts import split_direction
from llimba.recipe.published_scores.table import read_published
from llimba.recipe.section import Section, Whole, unnamed
from llimba.recipe.translate import AnyTranslation

OWN_SYSTEMS = ("copy", "base", "cpt", "sft", "model")  # headings of the table that are llimba's own


class ModeSwitch(Section):
    """Does the model stay in the language? Prompts of the profile, sampled at several temperatures."""

    temperatures: list[float] = [0.0, 0.3, 0.6, 0.9, 1.2]
    seeds: int = Field(default=3, gt=0)  # samples of each prompt at each temperature above 0
    max_new_tokens: int = Field(default=96, gt=0)

    def check(self, whole: Whole) -> Iterator[Fault]:
        """There is something that knows languages, and questions to ask."""
        if not whole.identify:
            yield Fault((), "needs corpus.identify: without it no language is known")
        if whole.identifier:
            yield Fault((), "needs the identifier that the corpus stage trains: leave corpus.identifier out")
        if not whole.profile.probe_prompts:
            yield Fault(
                (), f"the profile of {whole.profile.iso639_3} has no probe_prompts; write ten questions in the language"
            )


class Decoding(Section):
    """Another way to get translations out of the same model: a column of its own, never the headline."""

    num_beams: int = Field(default=1, gt=0)
    samples: int = Field(default=0, ge=0)  # of so many answers the one that agrees most with the others
    temperature: float = Field(default=0.7, gt=0)  # of the samples
    utility: Literal["chrf"] = "chrf"  # what agreement is measured by

    @model_validator(mode="after")
    def _some_way(self) -> Self:
        if self.samples == 1 or (self.samples and self.num_beams > 1):
            raise ValueError("samples: two or more, and without num_beams")
        if self.num_beams == 1 and not self.samples:
            raise ValueError("this is the greedy column itself: set num_beams or samples")
        return self


class EvaluateSection(Section):
    """Scores before and after: bits per byte, translation, stopping."""

    directions: list[str] = []
    languages: list[str] = []  # held-out bits per byte
    translation_bits_per_byte: bool = False  # of the reference given its source, asked with the completion prompt
    max_sentences: int | None = Field(default=None, gt=0)  # per direction
    max_words: int | None = Field(default=None, gt=0)  # longer sentences are left out of the translation set
    max_bytes: int | None = Field(default=None, gt=0)  # per language, of held-out text
    max_new_tokens: int = Field(default=256, gt=0)
    # other systems on the same sentences, heading -> direction -> engine: apertium: {it-sc: {engine: apertium, ...}}
    baselines: dict[str, dict[str, AnyTranslation]] = {}
    decoding: dict[str, Decoding] = {}  # further columns, heading -> how: beam4: {num_beams: 4}
    mode_switch: ModeSwitch | None = None  # needs corpus.identify, and probe_prompts in the language profile
    # tables of scores that others published: llimba-3b, or a YAML file like it; one comes by itself where the recipe
    # scores its sentences (`Recipe.published`)
    published: list[FileOrName] = []
    prompt: Literal["chat", "completion"] = "chat"  # completion: "Italian: ... Sardinian:", for models without a chat
    norm_tag: str = ""  # completion prompts ask for this norm, as cpt.norm_tags writes it: "Sardinian (LSC):"
    num_fewshot: int = Field(default=0, ge=0)  # example pairs in each prompt, from the pairs that are trained on
    instructions: int = Field(default=0, ge=0)  # so many instructions that code can check
    facts: Path | None = None  # questions with choices, a JSON line each: see docs/evaluation.md
    batch_size: int | None = Field(default=None, gt=0)  # default: by the memory there is
    precision: Literal["auto", "bf16", "fp32"] = "auto"

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Directions have names, tables can be read, headings are free, engines translate in their own direction."""
        yield from unnamed(self.directions, whole)
        for number, name in enumerate(self.published):
            try:
                read_published(name)
            except RecipeError as error:
                yield from (Fault(("published", number), line) for line in str(error).splitlines())
        tags = whole.profile.tags
        if self.norm_tag and (self.norm_tag not in tags or self.prompt == "chat"):
            yield Fault(
                ("norm_tag",),
                f"'{self.norm_tag}' must be one of the profile's tags ({', '.join(tags) or 'it has none'}), and "
                "evaluate.prompt: completion",
            )
        if self.num_fewshot and not self.directions:
            yield Fault(("num_fewshot",), "there are no evaluate.directions to show examples for")
        for heading, engines in self.baselines.items():
            if heading in OWN_SYSTEMS:
                yield Fault(("baselines", heading), "that is a system of llimba's own; choose another name")
            for direction, engine in engines.items():
                place = ("baselines", heading, direction)
                if engine.engine == "model" and engine.folder is None:
                    yield Fault(place, "the engine model needs a folder to be a baseline")
                if split_direction(direction)[0] != engine.source_language or direction not in self.directions:
                    yield Fault(
                        place,
                        f"source_language is {engine.source_language}, and the direction must be one of "
                        "evaluate.directions",
                    )
