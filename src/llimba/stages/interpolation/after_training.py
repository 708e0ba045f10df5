"""What `cpt` and `sft` do with their weights at the end, where the recipe says `interpolate`."""

import logging
import shutil
from pathlib import Path

from llimba.errors import StageError
from llimba.files import into_place
from llimba.recipe import Recipe, TrainingSection
from llimba.recipe.resolved import ResolvedSettings
from llimba.records import Document
from llimba.reports.training_facts import Interpolation
from llimba.stages.folders import CorpusFolder
from llimba.stages.interpolation.choosing_text import reserved_ids
from llimba.training.interpolation.choice import measure_and_choose

logger = logging.getLogger(__name__)


def interpolate(
    start: Path,
    trained: Path,
    settings: TrainingSection,
    corpus: CorpusFolder,
    recipe: Recipe,
    resolved: ResolvedSettings,
) -> Interpolation | None:
    """Put the weights of the folder `trained` where the recipe wants them, in place; None where it is silent.

    A list of weights is chosen from by the documents that `cpt` has left out of its training: they are in no
    evaluation set. Killed on the way, the training's checkpoints are still there, and it is done again from them.
    """
    asked = settings.interpolate
    if asked is None:
        return None
    from llimba.training.interpolation.weights import Between

    if isinstance(asked, list):
        documents = reserved_documents(recipe, settings, corpus)
        found = measure_and_choose(
            start, trained, asked, documents, reserved_bytes(recipe, settings), settings, resolved,
            recipe.base_model.tokens, recipe.profile.code,
        )  # fmt: skip
        unread = "that cpt left out" if recipe.cpt else "that no stage of the recipe has read"
        taken = found.model_copy(update={"text": f"documents of the corpus {unread}; no evaluation set"})
    else:
        taken = Interpolation(weight=asked, reason="set in the recipe")
    logger.info("  interpolated to %g of the way from the start: %s", taken.weight, taken.reason)
    made = trained.with_name(f"{trained.name}.between")
    shutil.rmtree(made, ignore_errors=True)
    Between(start, trained).write(taken.weight, made)
    shutil.rmtree(trained)
    into_place(made, trained)
    return taken


def check_text(settings: TrainingSection, corpus: CorpusFolder, recipe: Recipe) -> None:
    """Refuse before any training what could not be chosen after it: raises `StageError`."""
    if not isinstance(settings.interpolate, list):
        return
    if not any(document.language == recipe.profile.code for document in reserved_documents(recipe, settings, corpus)):
        raise StageError(
            f"interpolate: the corpus has too little text in '{recipe.profile.code}' to leave a tenth of it out and "
            "choose a weight by that. Name one weight in place of a list."
        )


def reserved_bytes(recipe: Recipe, settings: TrainingSection) -> int:
    """How much of a language there is to choose by: what `cpt` leaves out, where the recipe has a cpt section."""
    return (recipe.cpt or settings).choosing_bytes


def reserved_documents(recipe: Recipe, settings: TrainingSection, corpus: CorpusFolder) -> list[Document]:
    """The documents of the corpus that weights are chosen by."""
    ids = reserved_ids(corpus.documents(), reserved_bytes(recipe, settings))
    return [document for document in corpus.documents() if document.id in ids]
