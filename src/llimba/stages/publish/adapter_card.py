"""The card of the adapter alone: for who keeps one base model and several adapters, with peft."""

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
    return f"""---
{data.to_yaml().strip()}
---

# {release.title}, the adapter alone

{sft.adapter_kind}, rank {sft.lora_r}, trained on {onto}. The model with this adapter merged, its scores and its
limitations: {merged}.

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("{base}", dtype="auto"), ".")
asked = [{{"role": "user", "content": {question(release)!r}}}]
ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
answer = model.generate(**ids, max_new_tokens=200, do_sample=False)
print(tokenizer.decode(answer[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))
```

`.` is this folder: run it from inside, or put its path or repository there.
"""
