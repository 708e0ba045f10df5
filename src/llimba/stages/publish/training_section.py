"""How it was trained, for the cards: the procedure as a table, the mix of languages, what was learned and forgotten."""

from llimba.manifest import Json
from llimba.reports.markdown import markdown_table
from llimba.reports.training_facts import CptFacts, TrainingFacts
from llimba.stages.publish.lineage import tuning
from llimba.stages.publish.release import Release

PROCEDURE = (  # what a reader needs to repeat the training, in the names of the recipe
    "num_train_epochs", "max_steps", "max_tokens", "sequence_length", "row_length", "documents_per_step",
    "tokens_per_step", "packing", "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay",
    "max_grad_norm", "gradient_checkpointing", "method", "lora_r", "lora_alpha",
)  # fmt: skip
COUNTED = (
    ("optimizer steps", "steps"),
    ("loss-bearing tokens", "loss_tokens"),
    ("tokens per second", "tokens_per_second"),
    ("first loss", "first_loss"),
    ("last loss", "last_loss"),
)


def procedure(release: Release) -> str:
    """Settings and results of every training that led to the model, a column each, and the loss curve."""
    trained = _trained(release)
    manifests = [release.manifests[stage] for stage in trained]
    sections = [_said(manifest.ingredients.section) for manifest in manifests]
    facts = [manifest.facts_as(TrainingFacts) for manifest in manifests]
    rows: list[list[object]] = []
    for key in PROCEDURE:
        values = [section.get(key) for section in sections]
        if any(value is not None for value in values):
            rows.append([key, *values])
    rows += [[label, *(getattr(of, key) for of in facts)] for label, key in COUNTED]
    for setting in ("optimizer", "precision", "attention"):
        rows.append([setting, *(getattr(of.settings, setting).value for of in facts)])
    rows += [
        ["seconds", *(manifest.seconds for manifest in manifests)],
        ["peak memory", *(f"{manifest.peak_memory_bytes / 2**30:.1f} GiB" for manifest in manifests)],
        ["machine", *(manifest.machine for manifest in manifests)],
    ]
    table = markdown_table(["", *trained.values()], rows)
    shipped = ", ".join(f"{key} {value}" for key, value in facts[0].base_generation.items())
    said = (
        f"\nThe base model ships generation settings ({shipped}); they are off in every score here and in this model's "
        "generation_config.\n"
        if shipped
        else ""
    )
    return f"{table}{said}\n![loss](loss.png)\n"


def mix(release: Release) -> str:
    """The languages that were mixed, as asked for and as it came to."""
    cpt = release.manifests["cpt"]
    tokens = cpt.facts_as(CptFacts).tokens_per_epoch
    asked = cpt.ingredients.section.get("mixture") or {}
    rows = [[language, asked.get(language), f"{count:,}"] for language, count in tokens.items()]
    return markdown_table(["language", "share of tokens asked for", "tokens of one epoch"], rows, numbers=True)


def forgetting(release: Release) -> str:
    """Bits per byte of held-out text at the first and the last evaluation of each training; empty without any."""
    measured = {stage: release.manifests[stage].facts_as(TrainingFacts).held_out for stage in _trained(release)}
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


def _trained(release: Release) -> dict[str, str]:
    """The trainings that led to the model, by stage: what people call them."""
    cpt = {"cpt": "continued pretraining"} if "cpt" in release.manifests else {}
    return cpt | ({"sft": tuning(release)} if release.system == "sft" else {})


def _said(section: Json) -> Json:
    """A training section without the settings of an adapter that there is none of."""
    if section.get("method") != "full":
        return section
    return {key: value for key, value in section.items() if not key.startswith("lora_")}
