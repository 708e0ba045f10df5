"""What `cpt` will need, for `llimba plan`: exact once the corpus and the tokenizer are here."""

from pathlib import Path
from typing import TYPE_CHECKING

from llimba.manifest import read_manifest
from llimba.recipe import CptSection, Recipe
from llimba.reports.plan_table import Estimate
from llimba.stages.cpt.stage import training_examples
from llimba.stages.folders import CorpusFolder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llimba.training.estimate import Counted


def estimate(recipe: Recipe, folders: dict[str, Path], card: str | None) -> Estimate:
    """`training.estimate.estimate_stage` for `cpt`; `folders` are the stages' by name, finished or not."""
    from llimba.training.estimate import estimate_stage

    corpus, settings = CorpusFolder(folders["corpus"]), recipe.cpt_section

    def count(tokenizer: "PreTrainedTokenizerBase") -> "Counted":
        from llimba.training.estimate import Counted, epoch_parts
        from llimba.training.objectives import LanguageModelling

        examples = training_examples(recipe, corpus, tokenizer)
        foreseen = ""
        if settings.chat is not None and settings.chat.own_answers:
            foreseen = "the base model's own answers are not made yet: each is taken to be half of max_new_tokens"
        return Counted(LanguageModelling(examples, settings), epoch_parts(examples, asked_shares(settings)), foreseen)

    there = corpus.documents_file.exists()
    text = (
        count
        if there
        else f"known once the text is there: llimba run {recipe.path} --until corpus{_so_far(recipe, folders)}"
    )
    seed = recipe.seed_of(settings)
    return estimate_stage(recipe.base_model, settings, card, text, seed, settings.epoch_tokens)


def asked_shares(settings: CptSection) -> dict[str, float]:
    """The share of an epoch's tokens that the recipe asks for, by key of its mixtures; {} where it has none."""
    phases = settings.all_phases
    sizes = [phase.share or float(phase.max_tokens or 0) for phase in phases]
    keys = dict.fromkeys(key for phase in phases for key in phase.mixture)
    return {
        key: sum(size * phase.mixture.get(key, 0.0) for size, phase in zip(sizes, phases, strict=True)) / sum(sizes)
        for key in keys
    }


def _so_far(recipe: Recipe, folders: dict[str, Path]) -> str:
    """What is known of the text before the corpus is made: words that were fetched, else what the sources allow."""
    trained = {name: source for name, source in recipe.sources.items() if source.role == "train"}
    if "sources" in folders and (manifest := read_manifest(folders["sources"])) is not None:
        words: dict[str, int] = {}
        for name in trained:
            for language, number in manifest.facts["sources"][name]["words"].items():
                words[language] = words.get(language, 0) + number
        return f" (the sources hold {', '.join(f'{number:,} words of {code}' for code, number in words.items())})"
    most = [source.max_documents for source in trained.values()]
    if most and all(number is not None for number in most):
        return f" (at most {sum(number or 0 for number in most):,} records by the sources' max_documents)"
    return ""
