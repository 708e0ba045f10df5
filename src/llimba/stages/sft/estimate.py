"""What `sft` will need, for `llimba plan`: exact once the conversations and the tokenizer are here."""

from pathlib import Path
from typing import TYPE_CHECKING

from llimba.recipe import Recipe
from llimba.reports.plan_table import EpochPart, Estimate
from llimba.stages.folders import InstructFolder
from llimba.stages.sft.stage import preferences, supervised_examples

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llimba.training.estimate import Counted


def estimate(recipe: Recipe, folders: dict[str, Path], card: str | None) -> Estimate:
    """`training.estimate.estimate_stage` for `sft`; `folders` are the stages' by name, finished or not."""
    from llimba.training.estimate import estimate_stage

    instruct, settings = InstructFolder(folders["instruct"]), recipe.sft_section

    def count(tokenizer: "PreTrainedTokenizerBase") -> "Counted":
        from llimba.training.estimate import Counted, epoch_parts
        from llimba.training.objectives import LanguageModelling

        if settings.prefers:
            objective, _ = preferences(recipe, instruct, tokenizer)
            part = EpochPart(
                tokens=sum(objective.lengths),
                documents=len(objective.lengths),
                pieces=len(objective.lengths),
                asked=None,
            )
            return Counted(objective, {"pairs of answers": part})
        trained, _, _ = supervised_examples(recipe, instruct, tokenizer)
        return Counted(LanguageModelling(trained, settings), epoch_parts(trained))

    there = instruct.conversations_file.exists()
    text = count if there else f"known once the conversations are there: llimba run {recipe.path} --until instruct"
    return estimate_stage(recipe.base_model, settings, card, text, recipe.seed_of(settings), None)
