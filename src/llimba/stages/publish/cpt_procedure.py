"""How continued pretraining was done, in words: the settings, what replay did, and why packing does not leak."""

from llimba.languages.profile import Language
from llimba.recipe import CHAT, PAIRS
from llimba.reports.markdown import markdown_table
from llimba.reports.score_table import cell_text
from llimba.reports.scores import LanguageShares
from llimba.reports.training_facts import CptFacts
from llimba.stages.publish.release import Release
from llimba.stages.publish.training_section import mix

PRECISION = {
    "bf16": "bfloat16 weights",
    "mixed": "mixed precision (fp32 weights, bfloat16 matrix products)",
    "fp32": "fp32",
}


def duration(seconds: float) -> str:
    """Hours where there are some, else seconds."""
    return f"{seconds / 3600:.1f} hours" if seconds >= 360 else f"{seconds} seconds"


def steps(release: Release) -> str:
    """Optimizer steps."""
    return f"{release.training.steps:,} optimizer steps"


def training_in_words(release: Release) -> str:
    """The procedure as a paragraph; the table that follows has every figure."""
    settings, facts = release.recipe.cpt_section, release.manifest.facts_as(CptFacts)
    chosen, tokens = facts.settings, facts.tokens_per_epoch
    names = ", ".join(f"{count:,} {_key(release.recipe.profile, key)}" for key, count in tokens.items())
    epochs = f"{settings.num_train_epochs:g} epoch{'' if settings.num_train_epochs == 1 else 's'} of"
    length = epochs if settings.max_steps is None else f"{facts.steps:,} steps on"
    batch = (
        f"{settings.documents_per_step} documents"
        if settings.tokens_per_step is None
        else f"{settings.tokens_per_step:,} tokens"
    )
    trained = facts.trainable
    optimizer = chosen.optimizer.value + (" with stochastic rounding" if chosen.stochastic_rounding.value else "")
    return (
        f"Full fine-tuning ({trained.trained:,} of {trained.parameters:,} parameters) in "
        f"{PRECISION[chosen.precision.value]}. Attention: {chosen.attention.value}. Optimizer: {optimizer}. {length} "
        f"{sum(tokens.values()):,} tokens ({names}). Sequence length {settings.sequence_length}. Effective batch "
        f"{batch}. Learning rate {settings.learning_rate:g}, {settings.lr_scheduler_type} schedule, "
        f"{settings.warmup_steps} warm-up steps. Packing: {settings.packing}. Gradient checkpointing "
        f"{'on' if settings.gradient_checkpointing else 'off'}. The steps took {duration(facts.training_seconds)} on "
        f"{release.manifest.machine} ({facts.processes} {'process' if facts.processes == 1 else 'processes'})."
    )


def replay(release: Release) -> str:
    """What was mixed in, and what of its role was measured."""
    recipe, settings = release.recipe, release.recipe.cpt_section
    target = recipe.profile.code
    keys = release.manifest.facts_as(CptFacts).tokens_per_epoch
    mixed = [key for key in keys if key.split("/")[0] not in (target, PAIRS, CHAT)]
    if mixed:
        names = ", ".join(dict.fromkeys(_key(recipe.profile, key) for key in mixed))
        tagged = settings.norm_tags is not None or settings.pairs is not None
        tags = "" if tagged else " No text carries a language tag: the model tells them by the text itself."
        said = (
            f"Text in {names} was mixed in, so that it is not forgotten and not mistaken for {release.language}.{tags}"
        )
    else:
        said = f"No text in other languages was mixed in: everything is {release.language}."
    return f"{said}\n\n{mix(release)}\n{_mode_switch(release)}"


def _mode_switch(release: Release) -> str:
    """Whether it stays in the language: answers to prompts in it, sampled, over temperature."""
    base, own = release.scores.systems["base"].mode_switch, release.own.mode_switch
    if not own:
        return (
            "Whether it switches to another language when it is sampled was not probed (`evaluate.mode_switch`), and "
            "it was not trained without replay: what replay contributes is not measured here.\n"
        )
    rows = [
        [f"{heat:g}", *(cell for table in (base, own) for cell in _shares(table.get(heat))), own[heat].target.answers]
        for heat in own
    ]
    what = ("in the language", "in a neighbour", "mixed")
    heads = [f"{system}: {shares}" for system in ("base", "CPT") for shares in what]
    return (
        f"Shares of answers to prompts in {release.language}, sampled at rising temperature:\n\n"
        f"{markdown_table(['temperature', *heads, 'answers'], rows, numbers=True)}\n![mode switch](mode_switch.png)\n\n"
        "It was not trained without replay, so the table shows what it does and not what replay contributes.\n"
    )


def _shares(shares: LanguageShares | None) -> list[str | None]:
    if shares is None:
        return [None, None, None]
    neighbours = ", ".join(f"{code} {of.share}" for code, of in shares.neighbours.items() if of.share) or "0"
    return [cell_text(shares.target), neighbours, cell_text(shares.mixed)]


def packing(release: Release) -> str:
    """How documents share rows, and the proof on the real weights that none sees another."""
    facts, settings = release.training, release.recipe.cpt_section
    found = facts.forward.differences
    if settings.packing == "leaky":
        return "Documents were packed without boundaries (`leaky`, an ablation): each sees those before it in its row."
    how = (
        "Each document is a row of its own."
        if settings.packing == "off"
        else "A step takes the same documents as without packing; they are packed whole into rows with explicit "
        "boundaries, and the loss is divided by all loss tokens of the step, so learning rate and number of steps mean "
        "what they mean unpacked."
    )
    if facts.forward.one_by_one:
        how += f" {facts.forward.reason[:1].upper()}{facts.forward.reason[1:]}."
    return (
        f"{how} Attention does not cross from one document to another: before the first step, a document of "
        f"{found.tokens} tokens was run through the model's own forward and through the one that trained, alone and "
        f"beside others, on the real weights. Hidden states differ by {found.states:.2g} standard deviations, the "
        f"loss by {found.loss:.2g} and the gradient by {found.gradient:.2g} (relative); packed against alone by "
        f"{found.packed:.2g}; exchanging the neighbour changes the document by {found.neighbour_changed:.2g} at most."
    )


def _key(profile: Language, key: str) -> str:
    """A key of the mixture for people: Italian, pairs, Sardinian (mt)."""
    code, _, part = key.partition("/")
    name = profile.names.get(code, {}).get("en", code)
    return f"{name} ({part})" if part else name
