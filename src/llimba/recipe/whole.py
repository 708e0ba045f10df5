"""A whole recipe: its sections together, and what must agree between them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import PrivateAttr, model_validator

from llimba.data_files.faults import Fault, Faults
from llimba.data_files.schema import FileOrName, named_paths, path_fault
from llimba.errors import RecipeError
from llimba.languages.profile import Language, load_language
from llimba.recipe.base_model import BaseModelSection, ModelSection
from llimba.recipe.corpus import CorpusSection
from llimba.recipe.cpt import CptSection
from llimba.recipe.evaluate import EvaluateSection
from llimba.recipe.instruct import InstructSection
from llimba.recipe.licensing.derive import Derived, derive
from llimba.recipe.publish import PublishSection
from llimba.recipe.published_scores.table import Published, tables_of
from llimba.recipe.section import Section, Whole
from llimba.recipe.sources import AnySource
from llimba.recipe.training import SftSection, TrainingSection


class Recipe(Section):
    """A whole recipe, resolved and checked."""

    name: str
    language: FileOrName  # a shipped profile by its ISO 639-3 code, or the path of a YAML file
    seed: int = 42
    base_model: BaseModelSection
    sources: dict[str, AnySource]
    corpus: CorpusSection = CorpusSection()
    instruct: InstructSection | None = InstructSection()  # not run without sft
    cpt: CptSection | None = None  # none: instruction tuning starts from the base model itself
    sft: SftSection | None = SftSection()  # null: the CPT model is the result
    evaluate: EvaluateSection = EvaluateSection()
    publish: PublishSection = PublishSection()

    _path: Path = PrivateAttr(default=Path())

    def model_post_init(self, context: dict[str, Path], /) -> None:
        """Remember the file that the recipe came from: no key of it."""
        self._path = context["path"]

    @property
    def path(self) -> Path:
        """The file that the recipe came from."""
        return self._path

    @property
    def profile(self) -> Language:
        """The language profile that `language` names."""
        return load_language(self.language)

    @property
    def instruct_section(self) -> InstructSection:
        """For stages that are not run without it, as the next two."""
        assert self.instruct is not None
        return self.instruct

    @property
    def cpt_section(self) -> CptSection:
        """For stages that are not run without it."""
        assert self.cpt is not None
        return self.cpt

    @property
    def sft_section(self) -> SftSection:
        """For stages that are not run without it."""
        assert self.sft is not None
        return self.sft

    @property
    def base_models(self) -> list[ModelSection]:
        """The base model, and the one that it is itself a checkpoint of."""
        base = self.base_model
        return [base] if base.checkpoint_of is None else [base, base.checkpoint_of]

    @property
    def published(self) -> list[Published]:
        """Tables of scores that others published: those it names, and those of the very sentences that it scores."""
        settings = self.evaluate
        names = [name for model in self.base_models for name in (model.name, model.hub) if name]
        whole = settings.max_sentences is None and settings.max_words is None
        return list(tables_of(settings.published, self.sources, names, all_scored=whole))

    @property
    def trains(self) -> list[str]:
        """The stages that train, in their order; the last leaves the finished model."""
        return [name for name, section in (("cpt", self.cpt), ("sft", self.sft)) if section is not None]

    @property
    def first_training(self) -> TrainingSection:
        """The section of the first stage that trains."""
        section = self.cpt or self.sft
        assert section is not None  # `check` refuses a recipe that trains nothing
        return section

    def runs(self, stage: str) -> bool:
        """Whether a stage is part of this recipe."""
        return getattr(self, stage) is not None and (stage != "instruct" or self.sft is not None)

    def seed_of(self, section: TrainingSection) -> int:
        """The seed of a training stage: its own, else the recipe's."""
        return self.seed if section.seed is None else section.seed

    @property
    def derived_license(self) -> Derived:
        """What base model and training text ask of the finished model."""
        trained_on = [(name, source.license) for name, source in self.sources.items() if source.role == "train"]
        return derive([(model.name, model.license) for model in self.base_models], trained_on)

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        """Ask every section what must agree with others. Raises `Faults`."""
        try:
            load_language(self.language)
        except RecipeError as error:
            raise Faults(Fault(("language",), line) for line in str(error).splitlines()) from error
        whole = Whole(
            self.profile, self.sources, self.derived_license, self.cpt is not None,
            self.cpt.choosing_bytes if self.cpt else 0, bool(self.corpus.identify), self.corpus.identifier is not None,
        )  # fmt: skip
        if found := list(self.faults(whole)):
            raise Faults(found)
        return self

    def check(self, whole: Whole) -> Iterator[Fault]:
        """There is text to learn from, and a stage that learns."""
        if not self.sources:
            yield Fault(("sources",), "sources is empty: name at least one source of text")
        for location, path in named_paths(self):
            if fault := path_fault(path):
                yield Fault(location, fault)
        if not self.trains:
            yield Fault(("sft",), "nothing would be trained: sft is null and there is no cpt section")
        if self.cpt is not None and self.base_model.checkpoint_of is not None:
            yield Fault(
                ("base_model", "checkpoint_of"),
                "the recipe has a cpt of its own, which would be mistaken for the checkpoint's: leave one of them out",
            )
        if self.sft is not None and self.instruct is None:
            yield Fault(
                ("instruct",), "sft learns from what instruct makes: leave instruct: null out, or add sft: null"
            )
