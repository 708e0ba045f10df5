"""The card of the adapter alone: for who keeps one base model and several adapters, with peft."""

import json
from pathlib import Path
from string import Template

from llimba.recipe import Recipe
from llimba.stages.publish.quick_start import question
from llimba.stages.publish.release import Release, linked


def adapter_base(recipe: Recipe) -> str:
    """What the adapter is loaded onto: a repository, or the checkpoint's folder beside the adapter's."""
    if recipe.cpt is None:
        return recipe.base_model.hub or recipe.base_model.name
    return recipe.publish.cpt_repository or "../cpt"


def adapter_card(release: Release) -> str:
    """README.md of `adapter/`."""
    from huggingface_hub import ModelCardData

    recipe, license, base = release.recipe, release.license, adapter_base(release.recipe)
    named, sft = license.hub == "other", recipe.sft_section
    data = ModelCardData(
        language=recipe.profile.code,
        license=license.hub,
        license_name=license.license.lower() if named else None,
        license_link=license.link or None if named else None,
        base_model=base
        if "/" in base and not base.startswith(".")
        else recipe.base_model.hub or recipe.base_model.name,
        base_model_relation="adapter",
        datasets=release.datasets or None,
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["llimba", recipe.profile.iso639_3, sft.adapter_kind or sft.method],
    )
    merged = linked(release.repository) if release.repository else "`../model`"
    onto = "the CPT checkpoint in the folder beside this one" if base == "../cpt" else f"`{base}`"
    text = Template((Path(__file__).parent / "adapter_card.md").read_text(encoding="utf-8"))
    return text.substitute(
        header=data.to_yaml().strip(),
        title=release.title,
        kind=sft.adapter_kind,
        rank=sft.lora_r,
        onto=onto,
        merged=merged,
        base=base,
        question=json.dumps(question(release), ensure_ascii=False),
    )
