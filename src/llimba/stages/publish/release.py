"""What is published, folder by folder: the finished model, and the CPT checkpoint where the recipe tunes it further.

Each has its own system among the scores, the manifests of the stages that led to it, a repository, and the other one
as its relative.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from llimba.files import read_json
from llimba.manifest import Manifest
from llimba.models.base_model import commit_of, declared_bases, folder_at_hand
from llimba.recipe import HubSource, Recipe
from llimba.recipe.licensing.derive import Derived, derive
from llimba.recipe.licensing.terms import Terms, terms
from llimba.reports.scores import Scores, SystemScores
from llimba.reports.training_facts import CptFacts, SftFacts
from llimba.stages.corpus_facts import CorpusFacts
from llimba.stages.publish.energy import Energy, estimate_energy

Manifests = dict[str, Manifest]  # by stage
HUB = "https://huggingface.co"


class Relative(NamedTuple):
    """The recipe's other model, or the deployable one that `publish.repository` names."""

    title: str
    repository: str | None

    def __str__(self) -> str:
        """A link where it is on the hub, else its title."""
        return linked(self.repository) if self.repository else f"`{self.title}`"


class Start(NamedTuple):
    """What the base model's folder says of itself."""

    commit: str | None = None  # of a model of the hub
    made_from: tuple[str, ...] = ()  # by its own card


@dataclass(frozen=True, slots=True)
class Release:
    """One folder to publish, and all that its card says."""

    recipe: Recipe
    system: str  # cpt | sft: the stage that made it, and its column
    title: str
    repository: str | None
    relative: Relative | None
    manifests: Manifests  # of the stages that led to it, and of its evaluation
    scores: Scores  # without those of models made from it
    spent: Energy
    start: Start
    chats: bool  # whether its tokenizer has a chat template

    @property
    def own(self) -> SystemScores:
        """Its column."""
        return self.scores.systems[self.system]

    @property
    def manifest(self) -> Manifest:
        """Of the stage that made it."""
        return self.manifests[self.system]

    @property
    def corpus(self) -> CorpusFacts:
        """What the corpus stage counted."""
        return self.manifests["corpus"].facts_as(CorpusFacts)

    @property
    def language(self) -> str:
        """English name of the language that was learned."""
        return self.recipe.profile.name(self.recipe.profile.code, "en")

    @property
    def training(self) -> CptFacts | SftFacts:
        """Facts of the training that made it."""
        return self.manifest.facts_as(CptFacts) if self.system == "cpt" else self.manifest.facts_as(SftFacts)

    @property
    def trained_on(self) -> list[str]:
        """The sources that it read, by their names in the recipe; a checkpoint has not read what only sft reads."""
        cpt, found = self.recipe.cpt, self.corpus.sources
        train = [name for name, source in self.recipe.sources.items() if source.role == "train"]
        if self.system == "sft" or cpt is None:
            return train
        return [
            name
            for name in train
            if name not in found
            or found[name].documents
            or (found[name].pairs and cpt.pairs is not None)
            or (found[name].conversations and cpt.chat is not None)
        ]

    @property
    def datasets(self) -> list[str]:
        """Hub ids of what it was trained on."""
        read = [self.recipe.sources[name] for name in self.trained_on]
        return list(dict.fromkeys(source.dataset for source in read if isinstance(source, HubSource)))

    @property
    def derived_license(self) -> Derived:
        """What its base model and the text that it read ask."""
        read = [(name, self.recipe.sources[name].license) for name in self.trained_on]
        return derive([(model.name, model.license) for model in self.recipe.base_models], read)

    @property
    def license(self) -> Terms:
        """The terms that it is published under: declared, else derived."""
        declared = self.recipe.publish.license
        return terms(declared) if declared else self.derived_license.terms


def releases(recipe: Recipe, manifests: Manifests, scores: Scores, models: dict[str, Path]) -> list[Release]:
    """The finished model, then the CPT checkpoint where it is tuned further; `models`: model folders by stage."""
    asked, finished = recipe.publish, recipe.trains[-1]
    made_from = f"{recipe.base_model.name.rpartition('/')[2]}-{recipe.profile.iso639_3}"
    title = asked.title or _name(asked.repository) or made_from
    checkpoint = Relative(_name(asked.cpt_repository) or f"{title}-cpt", asked.cpt_repository)
    itself = Relative(title, asked.repository)
    relative: Relative | None = checkpoint if len(recipe.trains) > 1 else None
    if finished == "cpt" and asked.cpt_repository:  # `repository` then is of a model that this recipe does not make
        itself, relative = checkpoint, itself if asked.repository else None
    start = _start(recipe)
    found = [_release(recipe, finished, itself, relative, manifests, scores, start, models)]
    if len(recipe.trains) > 1:
        found.append(_release(recipe, "cpt", checkpoint, itself, manifests, scores, start, models))
    return found


def linked(repository: str) -> str:
    """A link to a model of the hub."""
    return f"[{repository}]({HUB}/{repository})"


def _release(
    recipe: Recipe,
    system: str,
    itself: Relative,
    relative: Relative | None,
    manifests: Manifests,
    scores: Scores,
    start: Start,
    models: dict[str, Path],
) -> Release:
    later = ("instruct", "sft") if system == "cpt" else ()
    led = {stage: manifest for stage, manifest in manifests.items() if stage not in later}
    systems = {name: of for name, of in scores.systems.items() if name.partition(",")[0] not in later}
    return Release(
        recipe=recipe,
        system=system,
        title=itself.title,
        repository=itself.repository,
        relative=relative,
        manifests=led,
        scores=scores.model_copy(update={"systems": systems}),
        spent=estimate_energy(recipe, led),
        start=start,
        chats=_has_template(models[system]),
    )


def _name(repository: str | None) -> str | None:
    return repository.rpartition("/")[2] if repository else None


def _start(recipe: Recipe) -> Start:
    folder = folder_at_hand(recipe.base_model)
    return Start() if folder is None else Start(commit_of(folder), tuple(declared_bases(folder)))


def _has_template(folder: Path) -> bool:
    """Whether a model folder's tokenizer has a chat template."""
    config = folder / "tokenizer_config.json"
    return (folder / "chat_template.jinja").exists() or (config.exists() and "chat_template" in read_json(config))
