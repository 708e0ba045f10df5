"""The card's lineage: from which model to which, what was done in between, and the recipe's other model."""

from llimba.recipe import ModelSection
from llimba.reports.training_facts import CptFacts, SftFacts
from llimba.stages.folders import InstructFacts
from llimba.stages.publish.release import Release, Start, linked


def lineage(release: Release) -> str:
    """The section: a numbered list."""
    recipe, manifests = release.recipe, release.manifests
    base, *before = recipe.base_models
    steps = [*(_model(model, Start()) for model in reversed(before)), _model(base, release.start)]
    if before:
        steps[-1] += ", a checkpoint of the model above"
    elif recipe.cpt is None and release.start.made_from:
        steps[-1] += f"; by its own card it was made from {', '.join(release.start.made_from)}"
    if "cpt" in manifests:
        facts = manifests["cpt"].facts_as(CptFacts)
        done = f"continued pretraining, {facts.loss_tokens:,} tokens (stage `{manifests['cpt'].fingerprint}`)"
        steps += [done, *_interpolated(facts)]
        if release.system == "sft" and release.relative:
            steps[-1] += f"; the checkpoint: {_where(release)}"
    if release.system == "sft":
        facts_sft, section = manifests["sft"].facts_as(SftFacts), recipe.sft_section
        conversations = manifests["instruct"].facts_as(InstructFacts).conversations
        done = f"{tuning(release)}, {section.method}, {conversations} conversations"
        steps += [f"{done} (stage `{manifests['sft'].fingerprint}`)", *_interpolated(facts_sft)]
    text = "## Lineage\n\n" + "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)) + "\n"
    if release.system == "cpt" and release.relative:
        text += f"\nWhat was made from this checkpoint by instruction tuning: {_where(release)}.\n"
    return text


def tuning(release: Release) -> str:
    """What the sft stage is called: by its method."""
    return "preference tuning" if release.recipe.sft_section.prefers else "instruction tuning"


def _where(release: Release) -> str:
    """The recipe's other model, by link or by the folder that it was left in."""
    assert release.relative is not None
    name, repository = release.relative
    return linked(repository) if repository else f"`{name}`, published beside this folder"


def _model(base: ModelSection, start: Start) -> str:
    place = f"hub {base.hub}" if base.hub else f"package {base.wheel}, file {base.file}" if base.wheel else "a folder"
    revision = f", revision {base.revision}" if base.revision else ""
    if base.hub and start.commit and start.commit != base.revision:
        revision += f", commit {start.commit}"
    digest = f", SHA-256 {base.sha256}" if base.sha256 else ""
    return f"{base.name} ({place}{revision}{digest}; licence {base.license})"


def _interpolated(facts: CptFacts | SftFacts) -> list[str]:
    """The step back towards the weights before a training, where it was taken."""
    found = facts.interpolation
    if found is None:
        return []
    return [f"weights put at {found.weight} of the way from before that training to after it: {found.reason}"]
