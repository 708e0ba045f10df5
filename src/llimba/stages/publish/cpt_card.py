"""The card of a CPT checkpoint: who it is for, what continued pretraining gave and took, how it was done.

Its readers tune it further or reproduce a table, so it says what a published CPT card says, section by section, and
claims only what this run measured: what was not probed is named as not probed.
"""

from llimba.languages.prompts import split_direction
from llimba.reports.limitations import limitations
from llimba.reports.markdown import markdown_table
from llimba.reports.score_table import cell_text, render_scores
from llimba.reports.scored_text import scored_on
from llimba.reports.scores import FAULTS, SystemScores
from llimba.stages.publish.card import citation, data, heading, license_section, provenance
from llimba.stages.publish.cpt_procedure import duration, packing, replay, steps, training_in_words
from llimba.stages.publish.energy import energy_section
from llimba.stages.publish.lineage import lineage
from llimba.stages.publish.not_measured import not_measured
from llimba.stages.publish.quick_start import quick_start
from llimba.stages.publish.release import Release
from llimba.stages.publish.training_section import forgetting, procedure

INSTRUCT = ("instruct", "chat", "-it")  # in a name: a base model that follows instructions


def cpt_card(release: Release) -> str:
    """The README.md of a CPT checkpoint's folder: header with `model-index`, then text."""
    recipe, scores = release.recipe, release.scores
    sections = [
        heading(release),
        _warning(release),
        _what_it_is(release),
        _intended_use(release),
        _quick_start(release),
        _results(release),
        render_scores(recipe, scores, "All scores of the checkpoint"),
        _training(release),
        data(release),
        lineage(release),
        limitations(recipe, scores, "cpt", *not_measured(release), _inherited(release)),
        license_section(release),
        energy_section(release.spent),
        provenance(release),
        citation(release),
    ]
    return "\n".join(sections)


def _inherited(release: Release) -> str:
    deployable = f" See the card of {release.relative} for its own." if release.relative else ""
    return (
        f"Whatever its base model {release.recipe.base_model.name} does badly it may do too. What is made from this "
        f"checkpoint is another model with limitations of its own.{deployable}"
    )


def _warning(release: Release) -> str:
    base, facts = release.recipe.base_model.name, release.training
    instead = (
        f"For end users, use {release.relative} instead: the instruction-tuned model."
        if release.relative
        else "No instruction-tuned model was made from it by this recipe."
    )
    return (
        f"> ⚠️ **This is a research artifact, not the deployable model.** {instead}\n\n"
        f"This is {base} after continued pretraining (CPT) on {release.language} text and before any instruction "
        f"tuning, by llimba: {facts.loss_tokens:,} loss-bearing tokens in {steps(release)}. It exists for those who "
        f"want to apply their own instruction tuning to a model that has read {release.language}, without repeating "
        f"the training ({duration(facts.training_seconds)}).\n"
    )


def _what_it_is(release: Release) -> str:
    code, base = release.recipe.profile.code, release.scores.systems["base"]
    lines = [f"## What this checkpoint is, and isn't\n\nIt has read {release.language} text and predicts it."]
    before, after = base.bits_per_byte.get(code), release.own.bits_per_byte.get(code)
    if before and after:
        lines.append(
            f"On held-out {release.language} it takes {after.value} bits per byte; the base model takes {before.value}."
        )
    lines.append(
        "\n\nIt was not trained to follow instructions. Continued pretraining tends to undo part of what instruction "
        "tuning taught (catastrophic forgetting)."
    )
    lines.append(_behaviour(base, release.own))
    name = release.recipe.base_model.name
    if any(word in name.lower() for word in INSTRUCT):
        lines.append(
            f"\n\nThe name of {name} tells where it comes from, not that this checkpoint follows instructions."
        )
    return " ".join(lines).replace(" \n", "\n") + "\n"


def _behaviour(base: SystemScores, own: SystemScores) -> str:
    """What was measured of following instructions, or that nothing was."""
    said = []
    if base.behaviour and own.behaviour:
        for fault in ("no_end", "wrong_language", "other_script", "empty"):
            before, after = base.behaviour.all.get(fault), own.behaviour.all.get(fault)
            if before and after:
                said.append(f"{FAULTS[fault]} {cell_text(after)}, of the base model {cell_text(before)}")
        if said:
            count = next(iter(own.behaviour.all.values())).answers
            said = [f"Of {count} answers to translation prompts, shares: {'; '.join(said)}."]
    if base.instructions and own.instructions:
        said.append(
            f"Instructions that code can check: {cell_text(own.instructions.all)} followed of "
            f"{own.instructions.all.answers}, by the base model {cell_text(base.instructions.all)}."
        )
    else:
        said.append("Following instructions other than to translate was not measured (`evaluate.instructions`).")
    return " ".join(said)


def _intended_use(release: Release) -> str:
    base, place = release.recipe.base_model, release.repository or "path/of/this/folder"
    key = "hub" if release.repository else "folder"
    origin = f"{{name: {base.name}, license: {base.license}, " + (
        f"hub: {base.hub}}}"
        if base.hub
        else f"wheel: {base.wheel}, file: {base.file}, sha256: {base.sha256}}}"
        if base.wheel
        else "folder: ...}"
    )
    compare = f" and with {release.relative}" if release.relative else ""
    stop = (
        f"\nIf you want to use {release.language} rather than research it, stop here and take {release.relative}.\n"
        if release.relative
        else ""
    )
    return (
        "## Intended use\n\n"
        "1. **Researchers who run their own instruction tuning.** The expensive stage is done. Try other methods, "
        "conversations or preferences on this checkpoint, score the result on the same sentences "
        f"({scored_on(release.scores)}) and compare with the table below{compare}: by `llimba evaluate MODEL --recipe "
        "RECIPE`, or by lm-evaluation-harness alone with the task files that every llimba evaluation leaves (`lm_eval "
        "run --model hf --include_path TASKS --tasks llimba_en_sc --apply_chat_template`). In a llimba recipe it is "
        "the base model, without a `cpt` section:\n\n"
        f"```yaml\nbase_model:\n  name: {release.repository or release.title}\n  {key}: {place}\n"
        f"  license: {release.license.license.lower()}\n  checkpoint_of: {origin}\n```\n\n"
        f"2. **Researchers who reproduce a table.** It is the model behind the CPT columns of this card: "
        f"recipe `{release.manifest.recipe}`, stage `cpt` {release.manifest.fingerprint}; every stage that led to it "
        f"is under Provenance.{_followed(release)}\n{stop}"
    )


def _followed(release: Release) -> str:
    """The published work whose CPT table stands beside this one."""
    papers = [f"{of.title} ({of.paper.title})" for of in release.scores.published if of.paper]
    return f" The published counterpart is {', '.join(papers)}; this checkpoint was trained anew." if papers else ""


def _quick_start(release: Release) -> str:
    completes = (
        "It completes rather than converses: expect short, unfocused or unending answers to short prompts."
        if release.chats
        else "It has no chat template: it continues text."
    )
    return (
        f"## Quick start\n\n{quick_start(release)}\n{completes} To tune it, put its id under `base_model` as above, or "
        "load it with transformers, peft or TRL as any other causal language model.\n"
    )


def _results(release: Release) -> str:
    """The base model against the checkpoint, in both directions of every language, by BLEU and chrF."""
    how, own, base = release.scores.conditions, release.own.translation, release.scores.systems["base"].translation
    if not own:
        return "## Translation results (CPT only)\n\nTranslation was not scored (`evaluate.directions`).\n"
    rows = [
        [
            " to ".join(code.upper() for code in split_direction(way)),
            *(cell_text(of.score(metric)) for metric in ("bleu", "chrf") for of in (base[way], own[way])),
            own[way].sentences,
        ]
        for way in own
    ]
    table = markdown_table(
        ["Direction", "Base BLEU", "CPT BLEU", "Base chrF", "CPT chrF", "sentences"], rows, numbers=True
    )
    better = [w for w in own if (a := own[w].chrf) and (b := base[w].chrf) and a.value > b.value]
    worse = [w for w in own if w not in better]
    found = [f"{said} by chrF: {', '.join(w.upper() for w in ways)}." for said, ways in
             (("Better than the base model", better), ("Not better", worse)) if ways]  # fmt: skip
    shots = f" after {how.num_fewshot} solved examples" if how.num_fewshot else ""
    later = f" Scores after instruction tuning are on the card of {release.relative}." if release.relative else ""
    return (
        f"## Translation results (CPT only)\n\nScored on {scored_on(release.scores)}, with {how.harness}, greedy "
        f"decoding, the prompt `{how.prompt}`{shots}; {how.answer}.\n\n{table}\n{' '.join(found)}{later}\n"
    )


def _training(release: Release) -> str:
    return (
        f"## Training procedure\n\n{training_in_words(release)}\n\n{procedure(release)}\n"
        f"### Replay\n\n{replay(release)}\n### Packing\n\n{packing(release)}\n{forgetting(release)}"
    )
