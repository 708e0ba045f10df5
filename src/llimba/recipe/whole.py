"""A whole recipe: its sections together, and what must agree between them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, model_validator

from llimba.languages.profile import Language, load_language
from llimba.languages.prompts import split_direction
from llimba.recipe.base_model import BaseModelSection
from llimba.recipe.corpus import CorpusSection
from llimba.recipe.cpt import PAIRS, CptSection
from llimba.recipe.evaluate import EvaluateSection
from llimba.recipe.instruct import InstructSection
from llimba.recipe.licensing.derive import Derived, conflict, derive
from llimba.recipe.publish import PublishSection
from llimba.recipe.section import Section
from llimba.recipe.sources import AnySource
from llimba.recipe.training import SftSection, TrainingSection
from llimba.recipe.translate import AnyTranslation, BackTranslation

ORIGINS = ("human", "mt", "generated")  # of a record


class Recipe(Section):
    """A whole recipe, resolved and checked. `path` is the file it came from."""

    name: str
    path: Path
    language: str
    seed: int = 42
    base_model: BaseModelSection
    sources: dict[str, AnySource]
    corpus: CorpusSection = CorpusSection()
    instruct: InstructSection = InstructSection()
    cpt: CptSection | None = None  # none: instruction tuning starts from the base model itself
    sft: SftSection = SftSection()
    evaluate: EvaluateSection = EvaluateSection()
    publish: PublishSection = PublishSection()

    @property
    def profile(self) -> Language:
        """The language profile that `language` names."""
        return load_language(self.language)

    def seed_of(self, section: TrainingSection) -> int:
        """The seed of a training stage: its own, else the recipe's."""
        return self.seed if section.seed is None else section.seed

    @property
    def derived_license(self) -> Derived:
        """What base model and training text ask of the finished model."""
        trained_on = [(name, source.license) for name, source in self.sources.items() if source.role == "train"]
        return derive(self.base_model.name, self.base_model.license, trained_on)

    @model_validator(mode="after")
    def _license_said(self) -> Self:
        derived = self.derived_license
        found = conflict(derived, self.publish.license)
        if found and not self.publish.acknowledge:
            raise ValueError(
                f"publish.license: {found}. Set publish.license: {derived.terms.license.lower()}, or leave the part "
                "out, or say under publish.acknowledge why it is right all the same; the model card repeats it."
            )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.sources:
            raise ValueError("sources is empty: name at least one source of text")
        profile = load_language(self.language)
        written = self.cpt.pairs.directions if self.cpt is not None and self.cpt.pairs is not None else []
        asked = {"instruct": self.instruct.directions, "evaluate": self.evaluate.directions, "cpt.pairs": written}
        for section, directions in asked.items():
            for direction in directions:
                codes = split_direction(direction)
                if unknown := [code for code in codes if code not in profile.names]:
                    raise ValueError(
                        f"{section}.directions: '{direction}' names '{unknown[0]}', which the profile of "
                        f"{profile.iso639_3} has no name for (known: {', '.join(sorted(profile.names))})"
                    )
        if isinstance(self.sft.interpolate, list) and not (self.cpt or self.sft).choosing_bytes:
            raise ValueError(
                f"sft.interpolate: to choose among weights needs text that training has not read: set "
                f"{'cpt' if self.cpt else 'sft'}.choose_max_bytes: 20000, or name one weight"
            )
        if self.cpt and isinstance(self.cpt.interpolate, list) and not self.cpt.choosing_bytes:
            raise ValueError("cpt.interpolate: to choose among weights needs text: leave out choose_max_bytes: 0")
        if self.cpt is not None:
            self._mixtures_possible(self.cpt, profile.code)
        tagged = self.cpt is not None and self.cpt.norm_tags is not None
        if tagged and not profile.tags:
            raise ValueError(f"cpt.norm_tags: the profile of {profile.iso639_3} has no tags; write them there")
        if self.evaluate.norm_tag and (self.evaluate.norm_tag not in profile.tags or self.evaluate.prompt == "chat"):
            raise ValueError(
                f"evaluate.norm_tag: '{self.evaluate.norm_tag}' must be one of the profile's tags "
                f"({', '.join(profile.tags) or 'it has none'}), and evaluate.prompt: completion"
            )
        for name, settings in self.instruct.translate.items():
            if name not in self.sources:
                raise ValueError(f"instruct.translate.{name}: there is no source of that name")
            if settings.engine == "model" and settings.folder is None and self.cpt is None:
                raise ValueError(f"instruct.translate.{name}: the engine model needs a folder, or a cpt section")
        if self.instruct.back_translate is not None:
            self._check_back_translation(self.instruct.back_translate, profile)
        for field in ("identify", "exempt"):
            if unknown_named := [name for name in getattr(self.corpus, field) if name not in self.sources]:
                raise ValueError(f"corpus.{field}: there is no source '{unknown_named[0]}'")
        for heading, engines in self.evaluate.baselines.items():
            if heading in ("copy", "base", "cpt", "sft", "model"):
                raise ValueError(f"evaluate.baselines.{heading}: that is a system of llimba's own; take another name")
            self._check_engines(f"evaluate.baselines.{heading}", engines)
        for heading, how in self.evaluate.decoding.items():
            if how.draft and self.evaluate.prompt == "completion":
                raise ValueError(f"evaluate.decoding.{heading}: a draft needs evaluate.prompt: chat")
            self._check_engines(f"evaluate.decoding.{heading}.draft", how.draft)
        if self.evaluate.num_fewshot and not self.evaluate.directions:
            raise ValueError("evaluate.num_fewshot: there are no evaluate.directions to show examples for")
        if self.evaluate.mode_switch is not None:
            if not self.corpus.identify:
                raise ValueError("evaluate.mode_switch needs corpus.identify: else no language is known")
            if self.corpus.identifier is not None:
                raise ValueError("evaluate.mode_switch needs the trained identifier: leave corpus.identifier out")
            if not profile.probe_prompts:
                raise ValueError(
                    f"evaluate.mode_switch: the profile of {profile.iso639_3} has no probe_prompts; write ten "
                    "questions in the language"
                )
        for field in ("norms", "varieties"):
            known = getattr(profile, field)
            if unknown_labels := [label for label in getattr(self.corpus, field) if label not in known]:
                raise ValueError(
                    f"corpus.{field}: the profile of {profile.iso639_3} has no '{unknown_labels[0]}' (known: "
                    f"{', '.join(known) or 'none'})"
                )
        if unknown_sources := [name for name in self.instruct.upsample if name not in self.sources]:
            raise ValueError(f"instruct.upsample.{unknown_sources[0]}: there is no source of that name")
        return self

    def _check_engines(self, place: str, engines: dict[str, AnyTranslation]) -> None:
        """Raises ValueError for an engine that does not go in the direction that it is named for."""
        for direction, engine in engines.items():
            if split_direction(direction)[0] != engine.source_language or direction not in self.evaluate.directions:
                raise ValueError(
                    f"{place}.{direction}: source_language is {engine.source_language}, and the direction must be one "
                    "of evaluate.directions"
                )

    def _check_back_translation(self, settings: BackTranslation, profile: Language) -> None:
        """Raises ValueError for what cannot be translated, and for engines that are missing or go another way."""
        here = "instruct.back_translate"
        if settings.source != "documents" and settings.source not in self.sources:
            raise ValueError(f"{here}.source: there is no source '{settings.source}'; `documents` means all of them")
        if unknown := [norm for norm in settings.norms if norm not in profile.norms]:
            raise ValueError(
                f"{here}.norms: the profile has no '{unknown[0]}' (known: {', '.join(profile.norms) or 'none'})"
            )
        for code in settings.into:
            engine, back = settings.engine_into(code), settings.way_back.get(code)
            if code not in profile.names or code == profile.code:
                raise ValueError(f"{here}.into: '{code}' is no other language that the profile has a name for")
            if engine is None:
                raise ValueError(f"{here}: nothing translates into '{code}': set engine, or engines.{code}")
            if engine.source_language not in ("", profile.code):
                raise ValueError(f"{here}: what translates into '{code}' must translate from '{profile.code}'")
            if back is not None and back.source_language != code:
                raise ValueError(f"{here}.way_back.{code}: source_language must be '{code}'")
            for one in (engine, back):
                if one is not None and one.engine == "model" and one.folder is None and self.cpt is None:
                    raise ValueError(f"{here}: the engine model needs a folder, or a cpt section")

    def _mixtures_possible(self, cpt: CptSection, code: str) -> None:
        """Every key of a mixture names what may be there, and the language to be learned is among them."""
        keys = list(cpt.mixture_keys())
        if keys and not {key.split("/")[0] for key in keys} & {code, PAIRS}:
            place = "cpt.phases" if cpt.phases else "cpt.mixture"
            raise ValueError(f"{place} gives no share to '{code}', the language to be learned")
        for key in keys:
            _, slash, part = key.partition("/")
            if slash and part not in self.sources and part not in ORIGINS:
                raise ValueError(f"the mixture's key '{key}': '{part}' is neither a source nor {', '.join(ORIGINS)}")
        for name, section in (("pairs", cpt.pairs), ("chat", cpt.chat)):
            if section is not None and (unknown := [one for one in section.sources if one not in self.sources]):
                raise ValueError(f"cpt.{name}.sources: there is no source '{unknown[0]}'")


def local_paths(value: BaseModel | dict[str, Any]) -> Iterator[Path]:
    """Every local file or folder that a section reads, so that a change of its content is seen."""
    items: Iterable[Any] = (
        value.values() if isinstance(value, dict) else (getattr(value, k) for k in type(value).model_fields)
    )
    for item in items:
        if isinstance(item, Path):
            yield item
        elif isinstance(item, BaseModel | dict):
            yield from local_paths(item)
