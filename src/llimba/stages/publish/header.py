"""The card's YAML header, made by the hub's own library: languages, licence, lineage, data sets, `model-index`."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llimba.recipe.published_scores.table import Metric
from llimba.reports.scored_text import OWN, set_name, sets_of
from llimba.reports.scores import METRICS, ScoredSet
from llimba.stages.publish.energy import emissions
from llimba.stages.publish.release import Release

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

HEADLINE: tuple[Metric, ...] = ("bleu", "chrf")  # in the header, which the hub shows


def header(release: Release) -> str:
    """The YAML between the dashes."""
    from huggingface_hub import ModelCardData

    recipe, license = release.recipe, release.license
    named = license.hub == "other"
    data = ModelCardData(
        language=list(dict.fromkeys([recipe.profile.code, *recipe.evaluate.languages])),
        license=license.hub,
        license_name=license.license.lower() if named else None,
        license_link=license.link or None if named else None,
        base_model=_made_from(release),
        base_model_relation="finetune",
        datasets=release.datasets or None,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["llimba", recipe.profile.iso639_3, *(["continued-pretraining"] if recipe.cpt else []), *_tuned(release)],
        model_name=release.title,
        eval_results=[*_translation(release), *_texts(release)],
        **({"co2_eq_emissions": grams} if (grams := emissions(release.spent)) else {}),
    )
    text: str = data.to_yaml()
    return text.strip()


def _made_from(release: Release) -> str:
    """The model that the hub's tree puts above this one: a tuned model's is the checkpoint, where it has a place."""
    if release.system == "sft" and release.relative and release.relative.repository:
        return release.relative.repository
    base = release.recipe.base_model
    return base.hub or base.name


def _tuned(release: Release) -> list[str]:
    if release.system != "sft":
        return []
    method = release.recipe.sft_section.method
    return ["sft"] if method == "full" else [method] if release.recipe.sft_section.prefers else ["sft", method]


def _translation(release: Release) -> Iterator["EvalResult"]:
    from huggingface_hub import EvalResult

    for direction, entry in release.own.translation.items():
        for metric in HEADLINE:
            if score := entry.score(metric):
                yield EvalResult(
                    task_type="translation",
                    metric_type=metric,
                    metric_value=score.value,
                    metric_name=f"{direction.upper()} {METRICS[metric]}",
                    **_dataset(release, sets_of(release.scores, direction), f"{entry.sentences} sentences"),
                )


def _texts(release: Release) -> Iterator["EvalResult"]:
    from huggingface_hub import EvalResult

    for language, bits in release.own.bits_per_byte.items():
        sets = [found for found in release.scores.sets.values() if language in found.documents]
        yield EvalResult(
            task_type="text-generation",
            metric_type="bits_per_byte",
            metric_value=bits.value,
            metric_name=f"{language} bits per byte",
            **_dataset(release, sets, f"{bits.documents} documents"),
        )


def _dataset(release: Release, sets: list[ScoredSet], amount: str) -> dict[str, str | None]:
    """How the header names what a score rests on: a data set of the hub where there is just one, else in words."""
    if not any(found.dataset for found in sets):
        return {"dataset_type": "llimba-held-out", "dataset_name": OWN}
    if len(sets) > 1:
        names = " and ".join(dict.fromkeys(set_name(found, release.scores) for found in sets))
        return {"dataset_type": "llimba-held-out", "dataset_name": f"{names}, {amount}"}
    (found,) = sets
    part = "held out of " if found.held_out else ""
    return {
        "dataset_type": found.dataset,
        "dataset_name": f"{part}{set_name(found, release.scores)}, {amount}",
        "dataset_config": found.subset,
        "dataset_split": found.split,
        "dataset_revision": revision(release, found),
    }


def revision(release: Release, found: ScoredSet) -> str | None:
    """The commit of a data set that was read, else what the recipe pins."""
    facts = release.manifests["sources"].facts.get("sources", {})
    for name, source in release.scores.sets.items():
        read = str(facts.get(name, {}).get("revision", ""))
        if source == found and re.fullmatch("[0-9a-f]{40}", read):
            return read
    return found.revision
