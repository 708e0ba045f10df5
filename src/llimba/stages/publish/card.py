"""The model card: a pure function of manifests and scores, so that every number in it can be followed to a file."""

from llimba.manifest import Json, Manifest
from llimba.recipe import ModelSection, Recipe
from llimba.recipe.licensing.derive import conflict, license_rows
from llimba.recipe.licensing.terms import Terms, terms
from llimba.reports.limitations import MODEL, limitations
from llimba.reports.markdown import markdown_table
from llimba.reports.score_table import render_scores
from llimba.reports.scores import METRICS, Metric, Scores
from llimba.reports.training_facts import CptFacts, SftFacts, TrainingFacts
from llimba.stages.corpus_facts import CorpusFacts
from llimba.stages.folders import InstructFacts
from llimba.stages.publish.corpus_card import words_text
from llimba.stages.publish.energy import Energy, emissions, energy_section

Manifests = dict[str, Manifest]  # by stage

HEADLINE: tuple[Metric, ...] = ("bleu", "chrf")  # in the header, which the hub shows
PROCEDURE = (  # what a reader needs to repeat the training, in the names of the recipe
    "num_train_epochs", "max_steps", "max_tokens", "sequence_length", "row_length", "documents_per_step", "packing",
    "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "max_grad_norm", "gradient_checkpointing",
    "method", "lora_r", "lora_alpha",
)  # fmt: skip


def card(recipe: Recipe, manifests: Manifests, scores: Scores, title: str, spent: Energy) -> str:
    """The README.md of the published folder: header with `model-index`, then text; `spent` is what training took."""
    parts = [
        f"---\n{metadata(recipe, scores, title, spent)}\n---\n",
        f"# {title}\n",
        _introduction(recipe),
        _lineage(recipe, manifests),
        render_scores(recipe, scores),
        _training(manifests),
        _data(manifests),
        _license(recipe),
        limitations(recipe, scores),
        energy_section(spent),
        _provenance(manifests),
        _citation(recipe, manifests, title),
    ]
    return "\n".join(parts)


def metadata(recipe: Recipe, scores: Scores, title: str, spent: Energy) -> str:
    """The YAML header, made by the hub's own library."""
    from huggingface_hub import EvalResult, ModelCardData

    results = []
    published = scores.systems[MODEL]
    for direction, entry in published.translation.items():
        for metric in HEADLINE:
            if score := entry.score(metric):
                results.append(
                    EvalResult(
                        task_type="translation", dataset_type="llimba-held-out",
                        dataset_name="held-out text of the recipe", metric_type=metric, metric_value=score.value,
                        metric_name=f"{direction.upper()} {METRICS[metric]}",
                    )
                )  # fmt: skip
    for language, bits in published.bits_per_byte.items():
        results.append(
            EvalResult(
                task_type="text-generation", dataset_type="llimba-held-out", dataset_name="held-out text of the recipe",
                metric_type="bits_per_byte", metric_value=bits.value, metric_name=f"{language} bits per byte",
            )
        )  # fmt: skip
    license = published_license(recipe)
    languages = dict.fromkeys([recipe.profile.code, *recipe.evaluate.languages])
    data = ModelCardData(
        language=list(languages),
        license=license.hub,
        license_name=license.license.lower() if license.hub == "other" else None,
        license_link=license.link or None if license.hub == "other" else None,
        base_model=recipe.base_model.name,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["llimba", recipe.profile.iso639_3, "continued-pretraining"],
        model_name=title,
        eval_results=results,
        **({"co2_eq_emissions": grams} if (grams := emissions(spent)) else {}),
    )
    header: str = data.to_yaml()
    return header.strip()


def published_license(recipe: Recipe) -> Terms:
    """The terms that the model is published under: declared, else derived."""
    return terms(recipe.publish.license) if recipe.publish.license else recipe.derived_license.terms


def _license(recipe: Recipe) -> str:
    derived, published = recipe.derived_license, published_license(recipe)
    said = "as the recipe declares" if recipe.publish.license else f"derived: {derived.because} decides"
    text = (
        f"## Licence\n\n{published.license} ({said}). It was derived from what the model is made of; this is no legal "
        f"advice.\n\n{markdown_table(['part', 'licence', 'asks'], license_rows(derived.parts))}"
    )
    if found := conflict(derived, recipe.publish.license):
        text += f"\n**Conflict:** {found}. It was accepted with these words: {recipe.publish.acknowledge}\n"
    return text


def _introduction(recipe: Recipe) -> str:
    name = recipe.profile.name(recipe.profile.code, "en")
    done = f"continued pretraining on {name} text and instruction tuning" if recipe.cpt else "instruction tuning"
    return f"""{recipe.base_model.name} after {done}, by llimba.

```python
from transformers import pipeline

pipe = pipeline("text-generation", model="PATH_OF_THIS_FOLDER")
print(pipe([{{"role": "user", "content": "..."}}], max_new_tokens=100)[0]["generated_text"][-1]["content"])
```
"""


def _lineage(recipe: Recipe, manifests: Manifests) -> str:
    """From which model to which, and what was done in between."""
    steps = [_model(base) for base in reversed(recipe.base_models)]
    if len(steps) > 1:
        steps[-1] += ", a checkpoint of the model above"
    if "cpt" in manifests:
        tokens = manifests["cpt"].facts_as(CptFacts).loss_tokens
        steps.append(f"continued pretraining, {tokens:,} tokens (stage `{manifests['cpt'].fingerprint}`)")
        steps += _interpolated(manifests["cpt"].facts_as(CptFacts))
    method = manifests["sft"].ingredients.section.get("method", "full")
    conversations = manifests["instruct"].facts_as(InstructFacts).conversations
    steps.append(
        f"instruction tuning, {method}, {conversations} conversations (stage `{manifests['sft'].fingerprint}`)"
    )
    steps += _interpolated(manifests["sft"].facts_as(SftFacts))
    return "## Lineage\n\n" + "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)) + "\n"


def _model(base: ModelSection) -> str:
    place = f"hub {base.hub}" if base.hub else f"package {base.wheel}, file {base.file}" if base.wheel else "a folder"
    revision = f", revision {base.revision}" if base.revision else ""
    digest = f", SHA-256 {base.sha256}" if base.sha256 else ""
    return f"{base.name} ({place}{revision}{digest}; licence {base.license})"


def _interpolated(facts: CptFacts | SftFacts) -> list[str]:
    """The step back towards the weights before a training, where it was taken."""
    found = facts.interpolation
    if found is None:
        return []
    return [f"weights put at {found.weight} of the way from before that training to after it: {found.reason}"]


def _training(manifests: Manifests) -> str:
    stages = [stage for stage in ("cpt", "sft") if stage in manifests]
    headings = {"cpt": "continued pretraining", "sft": "instruction tuning"}
    sections = [_said(manifests[stage].ingredients.section) for stage in stages]
    facts = [manifests[stage].facts_as(TrainingFacts) for stage in stages]
    rows: list[list[object]] = []
    for key in PROCEDURE:
        values = [section.get(key) for section in sections]
        if any(value is not None for value in values):
            rows.append([key, *values])
    for label, key in (
        ("optimizer steps", "steps"),
        ("loss-bearing tokens", "loss_tokens"),
        ("tokens per second", "tokens_per_second"),
        ("first loss", "first_loss"),
        ("last loss", "last_loss"),
    ):
        rows.append([label, *(getattr(of, key) for of in facts)])
    for setting in ("optimizer", "precision", "attention"):
        rows.append([setting, *(getattr(of.settings, setting).value for of in facts)])
    trained = [manifests[stage] for stage in stages]
    rows += [
        ["seconds", *(manifest.seconds for manifest in trained)],
        ["peak memory", *(f"{manifest.peak_memory_bytes / 2**30:.1f} GiB" for manifest in trained)],
        ["machine", *(manifest.machine for manifest in trained)],
    ]
    table = markdown_table(["", *(headings[stage] for stage in stages)], rows)
    shipped = ", ".join(f"{key} {value}" for key, value in facts[0].base_generation.items())
    said = (
        f"\nThe base model ships generation settings ({shipped}); they are off in every score here and in this model's "
        "generation_config.\n"
        if shipped
        else ""
    )
    return f"## Training\n\n{table}{said}\n![loss](loss.png)\n{_replay(manifests)}{_forgetting(manifests)}"


def _replay(manifests: Manifests) -> str:
    """The languages that were mixed, as asked for and as it came to."""
    cpt = manifests.get("cpt")
    if cpt is None:
        return ""
    tokens = cpt.facts_as(CptFacts).tokens_per_epoch
    asked = cpt.ingredients.section.get("mixture") or {}
    rows = [[language, asked.get(language), f"{count:,}"] for language, count in tokens.items()]
    table = markdown_table(["language", "share of tokens asked for", "tokens of one epoch"], rows, numbers=True)
    return f"\n### Replay mix of continued pretraining\n\n{table}"


def _forgetting(manifests: Manifests) -> str:
    """Bits per byte of held-out text at the first and the last evaluation of each stage, where there was any."""
    measured = {s: manifests[s].facts_as(TrainingFacts).held_out for s in ("cpt", "sft") if s in manifests}
    if not all(measured.values()):
        return ""
    headings = [f"{stage}, step {rows[at]['step']}" for stage, rows in measured.items() for at in (0, -1)]
    table_rows = [
        [language, *(rows[at].get(language) for rows in measured.values() for at in (0, -1))]
        for language in next(iter(measured.values()))[0]
        if language != "step"
    ]
    table = markdown_table(["bits per byte", *headings], table_rows, numbers=True)
    return f"\n### Learned and forgotten\n\n{table}\n![what was learned and forgotten](forgetting.png)\n"


def _said(section: Json) -> Json:
    """A training section without the settings of an adapter that there is none of."""
    if section.get("method") != "full":
        return section
    return {key: value for key, value in section.items() if not key.startswith("lora_")}


def _data(manifests: Manifests) -> str:
    corpus = manifests["corpus"].facts_as(CorpusFacts)
    rows = [
        [
            name,
            of.license,
            "scored on, never trained on" if of.role == "evaluate" else "trained on",
            of.documents,
            of.pairs,
            words_text(of.words),
        ]
        for name, of in corpus.sources.items()
    ]
    found = corpus.contamination
    return (
        f"## Data\n\n{markdown_table(['source', 'licence', 'use', 'documents', 'pairs', 'words'], rows)}"
        f"\nContamination: {found.evaluation_sentences} evaluation sentences (all languages) were searched for in the "
        f"training text; {found.hits_removed} passages were removed, {found.surviving} survive. Instruction tuning "
        f"used {manifests['instruct'].facts_as(InstructFacts).conversations} conversations.\n"
    )


def _provenance(manifests: Manifests) -> str:
    stages = [[stage, f"`{manifest.fingerprint}`", manifest.seconds] for stage, manifest in manifests.items()]
    versions = ", ".join(f"{name} {number}" for name, number in manifests["sft"].versions.items())
    return f"## Provenance\n\n{markdown_table(['stage', 'fingerprint', 'seconds'], stages)}\nVersions: {versions}.\n"


def _citation(recipe: Recipe, manifests: Manifests, title: str) -> str:
    """BibTeX; who publishes the model puts their name in, since no file says it."""
    made = manifests["sft"].finished[:4]
    return f"""## Citation

```bibtex
@misc{{{title.replace(" ", "-")},
  title = {{{title}: {recipe.base_model.name} adapted to {recipe.profile.name(recipe.profile.code, "en")} with llimba}},
  year = {{{made}}},
}}
```
"""
