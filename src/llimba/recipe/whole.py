"""A whole recipe: its sections together, and what must agree between them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import PrivateAttr, model_validator

from llimba.data_files.faults import Fault, Faults
from llimba.data_files.schema import FileOrName
from llimba.errors import RecipeError
from llimba.languages.profile import Language, load_language
from llimba.recipe.base_model import BaseModelSection
from llimba.recipe.corpus import CorpusSection
from llimba.recipe.cpt import CptSection
from llimba.recipe.evaluate import EvaluateSection
from llimba.recipe.instruct import InstructSection
from llimba.recipe.licensing.derive import Derived, derive
from llimba.recipe.publish import PublishSection
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
    instruct: InstructSection = InstructSection()
    cpt: CptSection | None = None  # none: instruction tuning starts from the base model itself
    sft: SftSection = SftSection()
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

    def seed_of(self, section: TrainingSection) -> int:
        """The seed of a training stage: its own, else the recipe's."""
        return self.seed if section.seed is None else section.seed

    @property
    def derived_license(self) -> Derived:
        """What base model and training text ask of the finished model."""
        trained_on = [(name, source.license) for name, source in self.sources.items() if source.role == "train"]
        return derive(self.base_model.name, self.base_model.license, trained_on)

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
        """There is text to learn from."""
        if not self.sources:
            yield Fault(("sources",), "sources is empty: name at least one source of text")
