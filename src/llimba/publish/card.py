"""The model card: a pure function of manifests and scores, so that every number in it can be followed to a file."""

from typing import Any

from llimba.licensing.derive import conflict, table
from llimba.licensing.terms import Terms, terms
from llimba.recipe import Recipe

Manifests = dict[str, dict[str, Any]]  # stage -> manifest
Scores = dict[str, Any]

PROCEDURE = (  # what a reader needs to repeat the training, in the names of the recipe
    "num_train_epochs", "max_steps", "max_tokens", "sequence_length", "row_length", "documents_per_step", "packing",
    "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "max_grad_norm", "gradient_checkpointing",
    "method", "lora_r", "lora_alpha",
)  # fmt: skip


def card(recipe: Recipe, manifests: Manifests, scores: Scores, title: str) -> str:
    """The README.md of the published folder: YAML header with `model-index`, then text."""
    parts = [
        f"---\n{metadata(recipe, scores, title)}\n---\n",
        f"# {title}\n",
        _introduction(recipe),
        _scores(recipe, scores),
        _training(manifests),
        _data(manifests),
        _license(recipe),
        _limitations(recipe, scores),
        _provenance(manifests),
        _citation(recipe, manifests, title),
    ]
    return "\n".join(parts)


def metadata(recipe: Recipe, scores: Scores, title: str) -> str:
    """The YAML header, made by the hub's own library."""
    from huggingface_hub import EvalResult, ModelCardData

    results = []
    for direction, entry in scores["translation"]["sft"].items():
        for metric, name in (("bleu", "BLEU"), ("chrf", "chrF")):
            results.append(
                EvalResult(
                    task_type="translation", dataset_type="llimba-held-out", dataset_name="held-out text of the recipe",
                    metric_type=metric, metric_value=entry[metric], metric_name=f"{direction.upper()} {name}",
                )
            )  # fmt: skip
    for language, entry in scores["bits_per_byte"]["sft"].items():
        results.append(
            EvalResult(
                task_type="text-generation", dataset_type="llimba-held-out", dataset_name="held-out text of the recipe",
                metric_type="bits_per_byte", metric_value=entry["value"], metric_name=f"{language} bits per byte",
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
    )
    header: str = data.to_yaml()
    return header.strip()


def published_license(recipe: Recipe) -> Terms:
    """The terms that the model is published under: declared, else derived."""
    return terms(recipe.publish.license) if recipe.publish.license else recipe.derived_license.terms


def _license(recipe: Recipe) -> str:
    derived, published = recipe.derived_license, published_license(recipe)
    said = "as the recipe declares" if recipe.publish.license else f"derived: {derived.because} decides"
    lines = [
        "## Licence\n",
        f"{published.license} ({said}). It was derived from what the model is made of; this is no legal advice.\n",
        _row(["part", "licence", "asks"]),
        _row(["---"] * 3),
        *(_row(list(row)) for row in table(derived.parts)),
    ]
    if found := conflict(derived, recipe.publish.license):
        lines.append(f"\n**Conflict:** {found}. It was accepted with these words: {recipe.publish.acknowledge}")
    return "\n".join(lines) + "\n"


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


def _scores(recipe: Recipe, scores: Scores) -> str:
    systems = scores["systems"]
    lines = ["## Scores\n", _row(["", *systems, "rests on"]), _row(["---", *["---:"] * (len(systems) + 1)])]
    for language, base in scores["bits_per_byte"]["base"].items():
        values = [scores["bits_per_byte"].get(system, {}).get(language, {}).get("value", "–") for system in systems]
        basis = f"{base['documents']} documents, {base['bytes']} bytes"
        lines.append(_row([f"bits per byte, {recipe.profile.name(language, 'en')}", *values, basis]))
    for metric, name in (("bleu", "BLEU"), ("chrf", "chrF"), ("chrfpp", "chrF++")):
        for direction, entry in scores["translation"]["copy"].items():
            found = [scores["translation"][system].get(direction) for system in systems]
            values = [f"{of[metric]} ±{of[f'{metric}_ci']}" if of else "–" for of in found]
            lines.append(_row([f"{name} {direction.upper()}", *values, f"{entry['sentences']} sentences"]))
    values = [scores["stopping"].get(system, {}).get("share", "–") for system in systems]
    lines.append(_row(["share of answers that stop", *values, f"{scores['stopping']['base']['answers']} answers"]))
    for kind, label in scores["kinds"].items():
        shares = [scores["behaviour"].get(system, {}).get("all", {}).get(kind) for system in systems]
        if any(shares):
            cells = [f"{of['share']} ({of['low']} to {of['high']})" if of else "–" for of in shares]
            lines.append(_row([f"share of {label}", *cells, f"{scores['stopping']['base']['answers']} answers"]))
    for system, probed in scores.get("mode_switch", {}).items():
        told = "; ".join(
            f"{t}: {row['target']['share']} ({row['target']['low']} to {row['target']['high']})"
            for t, row in probed.items()
        )
        answers = next(iter(probed.values()))["target"]["answers"]
        label = f"share of answers wholly in {recipe.profile.name(recipe.profile.code, 'en')}, {system}, by temperature"
        lines.append(_row([label, told, *[""] * (len(systems) - 1), f"{answers} answers or more each"]))
    return "\n".join(lines) + (
        f"\n\nBehind ± stands half the {scores['confidence_percent']} % bootstrap interval, in brackets the "
        f"Wilson interval. `copy` gives the source back unchanged. Prompt: `{scores['prompt']}`; answer: "
        f"{scores['answer']}; at most "
        f"{scores['max_new_tokens']} new tokens; {scores['harness']}, {scores['precision']}; BLEU "
        f"`{scores['signatures']['bleu']}`, chrF `{scores['signatures']['chrf']}`, "
        f"chrF++ `{scores['signatures']['chrfpp']}`. Texts are scored in windows of "
        f"{scores['window']} tokens.\n"
    )


def _training(manifests: Manifests) -> str:
    stages = [stage for stage in ("cpt", "sft") if stage in manifests]
    headings = {"cpt": "continued pretraining", "sft": "instruction tuning"}
    sections = [_said(manifests[stage]["ingredients"]["section"]) for stage in stages]
    facts = [manifests[stage]["facts"] for stage in stages]
    lines = [
        "## Training\n",
        _row(["", *(headings[stage] for stage in stages)]),
        _row(["---"] * (1 + len(stages))),
    ]
    for key in PROCEDURE:
        values = [section.get(key) for section in sections]
        if any(value is not None for value in values):
            lines.append(_row([key, *("–" if value is None else value for value in values)]))
    for label, key in (
        ("optimizer steps", "steps"),
        ("loss-bearing tokens", "loss_tokens"),
        ("tokens per second", "tokens_per_second"),
        ("first loss", "first_loss"),
        ("last loss", "last_loss"),
        ("optimizer", "optimizer"),
    ):
        lines.append(_row([label, *("–" if fact[key] is None else fact[key] for fact in facts)]))
    lines.append(_row(["precision", *(fact["precision"]["value"] for fact in facts)]))
    lines.append(_row(["attention", *(fact["attention"]["backend"] for fact in facts)]))
    lines.append(_row(["seconds", *(manifests[stage]["seconds"] for stage in stages)]))
    peaks = (f"{manifests[stage]['peak_memory_bytes'] / 2**30:.1f} GiB" for stage in stages)
    lines.append(_row(["peak memory", *peaks]))
    lines.append(_row(["machine", *(manifests[stage]["machine"] for stage in stages)]))
    mixture = ", ".join(f"{language} {n:,}" for language, n in facts[0].get("tokens_per_epoch", {}).items())
    said = f"Tokens of one epoch of continued pretraining, by language: {mixture}.\n\n" if mixture else ""
    drawn = all(found.get("held_out") for found in facts)
    forgotten = "\n![what was learned and forgotten](forgetting.png)\n" if drawn else ""
    return "\n".join(lines) + f"\n\n{said}![loss](loss.png)\n{forgotten}"


def _said(section: dict[str, Any]) -> dict[str, Any]:
    """A training section without the settings of an adapter that there is none of."""
    if section.get("method") != "full":
        return section
    return {key: value for key, value in section.items() if not key.startswith("lora_")}


def _data(manifests: Manifests) -> str:
    facts = manifests["corpus"]["facts"]
    heading = ["source", "licence", "use", "documents", "pairs", "words"]
    lines = ["## Data\n", _row(heading), _row(["---"] * len(heading))]
    for name, entry in facts["sources"].items():
        words = ", ".join(f"{language} {count:,}" for language, count in entry["words"].items()) or "–"
        use = "scored on, never trained on" if entry["role"] == "evaluate" else "trained on"
        lines.append(_row([name, entry["license"], use, entry["documents"], entry["pairs"], words]))
    found = facts["contamination"]
    return "\n".join(lines) + (
        f"\n\nContamination: {found['evaluation_sentences']} evaluation sentences (all languages) were "
        f"searched for in the "
        f"training text; {found['hits_removed']} passages were removed, {found['surviving']} survive. "
        f"Instruction tuning "
        f"used {manifests['instruct']['facts']['conversations']} conversations.\n"
    )


def _limitations(recipe: Recipe, scores: Scores) -> str:
    fewest = min(entry["sentences"] for entry in scores["translation"]["copy"].values())
    return f"""## Limitations

- The translation scores rest on {fewest} sentences a direction or more, of the recipe's own held-out text: they compare
  the columns of this table and nothing else.
- The model is as good as its base ({recipe.base_model.name}) and its text: it invents facts, and mixes languages.
- What was forgotten is visible above: the rows of the other languages.
"""


def _provenance(manifests: Manifests) -> str:
    lines = ["## Provenance\n", _row(["stage", "fingerprint", "seconds"]), _row(["---"] * 3)]
    lines += [_row([stage, f"`{m['fingerprint']}`", m["seconds"]]) for stage, m in manifests.items()]
    versions = ", ".join(f"{name} {number}" for name, number in manifests["sft"]["versions"].items())
    return "\n".join(lines) + f"\n\nVersions: {versions}.\n"


def _citation(recipe: Recipe, manifests: Manifests, title: str) -> str:
    """BibTeX; who publishes the model puts their name in, since no file says it."""
    made = str(manifests["sft"].get("finished", ""))[:4]
    return f"""## Citation

```bibtex
@misc{{{title.replace(" ", "-")},
  title = {{{title}: {recipe.base_model.name} adapted to {recipe.profile.name(recipe.profile.code, "en")} with llimba}},
  year = {{{made}}},
}}
```
"""


def _row(cells: list[Any]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
