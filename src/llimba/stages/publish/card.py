"""The model card: a pure function of manifests and scores, so that every number in it can be followed to a file.

This is the card of a tuned model; a CPT checkpoint has another (`cpt_card.py`). The sections that both have are here.
"""

from llimba.recipe.citation import bibtex
from llimba.recipe.licensing.derive import conflict, license_rows
from llimba.reports.limitations import limitations
from llimba.reports.markdown import markdown_table
from llimba.reports.score_table import render_scores
from llimba.stages.folders import InstructFacts
from llimba.stages.publish.corpus_card import words_text
from llimba.stages.publish.energy import energy_section
from llimba.stages.publish.header import header
from llimba.stages.publish.lineage import lineage, tuning
from llimba.stages.publish.not_measured import not_measured
from llimba.stages.publish.quick_start import quick_start
from llimba.stages.publish.release import HUB, Release
from llimba.stages.publish.training_section import forgetting, mix, procedure


def card(release: Release) -> str:
    """The README.md of a tuned model's folder: header with `model-index`, then text."""
    recipe, scores = release.recipe, release.scores
    sections = [
        heading(release),
        _introduction(release),
        lineage(release),
        render_scores(recipe, scores),
        _training(release),
        data(release),
        license_section(release),
        limitations(recipe, scores, release.system, *not_measured(release)),
        energy_section(release.spent),
        provenance(release),
        citation(release),
    ]
    return "\n".join(sections)


def heading(release: Release) -> str:
    """Header and title."""
    return f"---\n{header(release)}\n---\n\n# {release.title}\n"


def _introduction(release: Release) -> str:
    recipe, done = release.recipe, tuning(release)
    if recipe.cpt:
        done = f"continued pretraining on {release.language} text and {done}"
    return f"{recipe.base_model.name} after {done}, by llimba.\n\n{quick_start(release)}"


def _training(release: Release) -> str:
    replay = f"\n### Replay mix of continued pretraining\n\n{mix(release)}" if "cpt" in release.manifests else ""
    return f"## Training\n\n{procedure(release)}{replay}{forgetting(release)}"


def data(release: Release) -> str:
    """The sources, and the search for what is scored in what was trained on."""
    corpus, recipe = release.corpus, release.recipe
    unread = {name for name, source in recipe.sources.items() if source.role == "train"} - set(release.trained_on)
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
        if name not in unread
    ]
    found = corpus.contamination
    used = ""
    if release.system == "sft":
        instruct = release.manifests["instruct"].facts_as(InstructFacts)
        used = f" {tuning(release).capitalize()} used {instruct.conversations} conversations{copies_text(instruct)}."
    if release.manifests["corpus"].ingredients.section.get("as_is"):
        used += " Apart from that the text is as its sources give it (`corpus.as_is`)."
    return (
        f"## Data\n\n{markdown_table(['source', 'licence', 'use', 'documents', 'pairs', 'words'], rows)}"
        f"\nContamination: {found.evaluation_sentences} evaluation sentences (all languages) were searched for in the "
        f"training text; {found.hits_removed} passages were removed, {found.surviving} survive.{used}\n"
    )


def copies_text(instruct: InstructFacts) -> str:
    """What became of conversations that were there more than once, as the end of a sentence."""
    if not instruct.duplicates:
        return ""
    done = "was left out" if instruct.duplicates_removed else "is trained on as well (`instruct.deduplicate: false`)"
    return f"; a further copy of a conversation, of which there were {instruct.duplicates}, {done}"


def license_section(release: Release) -> str:
    """The licence, what it was derived from, and a conflict that was accepted."""
    derived, asked = release.derived_license, release.recipe.publish
    said = "as the recipe declares" if asked.license else f"derived: {derived.because} decides"
    text = (
        f"## Licence\n\n{release.license.license} ({said}). It was derived from what the model is made of; this is no "
        f"legal advice.\n\n{markdown_table(['part', 'licence', 'asks'], license_rows(derived.parts))}"
    )
    if asked.acknowledge and (found := conflict(derived, asked.license)):
        text += f"\n**Conflict:** {found}. It was accepted with these words: {asked.acknowledge}\n"
    return text


def provenance(release: Release) -> str:
    """The stages that led here."""
    stages = [[stage, f"`{of.fingerprint}`", of.seconds] for stage, of in release.manifests.items()]
    versions = ", ".join(f"{name} {number}" for name, number in release.manifest.versions.items())
    return f"## Provenance\n\n{markdown_table(['stage', 'fingerprint', 'seconds'], stages)}\nVersions: {versions}.\n"


def citation(release: Release) -> str:
    """BibTeX of this model with those who publish it, of its paper, and of published scores that it stands beside."""
    asked, base = release.recipe.publish, release.recipe.base_model
    own = bibtex(
        release.title.replace(" ", "-"),
        title=f"{release.title}: {base.name} adapted to {release.language} with llimba",
        author=asked.authors,
        year=release.manifest.finished[:4],
        url=f"{HUB}/{release.repository}" if release.repository else None,
    )
    text = f"## Citation\n\n```bibtex\n{own}```\n"
    if asked.paper:
        text += f"\nThe paper on it:\n\n```bibtex\n{asked.paper.bibtex()}```\n"
    for table in release.scores.published:
        if table.paper and table.paper != asked.paper:
            follows = {model.hub or model.name for model in release.recipe.base_models} & set(table.base_models)
            what = f"The work that it follows, {table.title}" if follows else f"The scores of {table.title}"
            text += f"\n{what}:\n\n```bibtex\n{table.paper.bibtex()}```\n"
    return text
