"""What a stage that trains needs of this machine: optimizer and attention, the card's memory, disk for checkpoints."""

import shutil

import torch

from llimba import processes
from llimba.errors import StageError
from llimba.models.base_model import config_at_hand
from llimba.recipe import ModelSection, TrainingSection
from llimba.recipe.needs import Needs, Space
from llimba.training import attention, cost, estimate
from llimba.training.cards import GIB, find_card
from llimba.training.optimizer import LIBRARIES
from llimba.training.settings import resolve

BEYOND_DOUBT = 1.1  # so much more than there is does not fit, however the estimate errs


def training_needs(
    stage: str, base_model: ModelSection, settings: TrainingSection, needs: Needs, card_name: str | None
) -> None:
    """Add what is missing to train a section on the named card, or on what is here."""
    here = "cuda" if torch.cuda.is_available() else "cpu"
    if card_name is None and (fault := attention.unavailable(settings.attention, here)):
        needs.lacks(f"{stage}.attention", fault, f"set {stage}.attention: auto, or sdpa, which works everywhere")
    try:
        shape, outline = cost.shape_from_config(config_at_hand(base_model))
    except StageError as error:
        lacks, _, fix = str(error).partition(". ")
        needs.lacks(stage, f"memory and disk are not checked: {lacks}", fix.rstrip("."), certain=False)
        return
    shape, card = shape.with_adapter(settings, outline), find_card(card_name)
    resolved = resolve(settings, shape, card.memory if card.gpu else None)
    name = resolved.optimizer.value
    if (library := LIBRARIES.get(name)) is not None:
        needs.library(f"{stage}.optimizer", name, library.module, library.requirement, load=True)
    if name == "adamw_8bit" and not any(map(shutil.which, ("c++", "g++", "clang++", "gcc", "clang"))):
        needs.lacks(
            f"{stage}.optimizer", "adamw_8bit compiles its step, and there is no C++ compiler here",
            "apt-get install g++, or the like of your system", certain=False,
        )  # fmt: skip
    needed = sum(estimate.memory_lines(shape, settings, resolved, card).values())
    if needed > card.memory:
        switches = estimate.remedy(shape, settings, card)
        needs.lacks(
            stage,
            f"training needs {needed / GIB:.1f} GiB of memory, and {card.name} has {card.memory / GIB:.1f}",
            f"set {switches} under {stage}" if switches else "take a larger card or a smaller model",
            certain=card.gpu and processes.count() == 1 and needed > BEYOND_DOUBT * card.memory,
        )
    needs.spaces += [  # the model is written while the checkpoints are still there
        Space(f"model of {stage}", cost.model_disk(shape, resolved)),
        Space(f"checkpoints of {stage}", cost.checkpoint_disk(shape, resolved), until=stage),
    ]
