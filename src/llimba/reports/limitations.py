"""What a published model does badly, in sentences made of its measured failures."""

from llimba.recipe import Recipe
from llimba.reports.score_table import cell_text
from llimba.reports.scored_text import scored_on
from llimba.reports.scores import FAULTS, Scores, SystemScores

REFERENCE = {"copy": "giving the source back unchanged", "base": "the base model"}


def limitations(recipe: Recipe, scores: Scores, system: str, *inherited: str) -> str:
    """The card's section on the model `system`: every sentence names the numbers behind it; `inherited` come last."""
    own = scores.systems[system]
    found = [
        *_behaviour(own),
        *_translation(own, scores),
        *_forgotten(recipe, own, scores.systems.get("base")),
        *_knowledge(own),
        *_basis(scores),
        f"The model is as good as its base ({recipe.base_model.name}) and its text: it invents facts, and mixes "
        "languages. Nobody has tested it for safety.",
        *inherited,
    ]
    return "## Limitations\n\n" + "\n".join(f"- {sentence}" for sentence in found) + "\n"


def _basis(scores: Scores) -> list[str]:
    """How little the translation scores rest on."""
    if not (count := scores.fewest_sentences):
        return ["It was not scored on translation."]
    return [
        f"The translation scores rest on {count} sentences a direction or more, of {scored_on(scores)}: one prompt, "
        "short sentences of one kind of text."
    ]


def _behaviour(own: SystemScores) -> list[str]:
    """Faults of its answers, the commonest first; one that was never seen is left out."""
    shares = own.behaviour.all if own.behaviour else {}
    seen = sorted(((shares[fault], fault) for fault in FAULTS if fault in shares), key=lambda pair: -pair[0].share)
    return [f"Share of {FAULTS[fault]}: {cell_text(of)} of {of.answers}." for of, fault in seen if of.share > 0]


def _translation(own: SystemScores, scores: Scores) -> list[str]:
    """Directions in which it is no better than doing nothing, or than before, by chrF."""
    found = []
    for direction, mine in own.translation.items():
        for system, words in REFERENCE.items():
            other = scores.systems[system].translation.get(direction) if system in scores.systems else None
            if mine.chrf and other and other.chrf and mine.chrf.value <= other.chrf.value:
                found.append(
                    f"{direction.upper()}: no better than {words} by chrF ({mine.chrf.value} against "
                    f"{other.chrf.value})."
                )
    return found


def _forgotten(recipe: Recipe, own: SystemScores, base: SystemScores | None) -> list[str]:
    """Languages that it predicts worse than its base does."""
    before = base.bits_per_byte if base else {}
    return [
        f"Forgotten: {recipe.profile.name(language, 'en')} takes {now.value} bits per byte, "
        f"{before[language].value} in the base model."
        for language, now in own.bits_per_byte.items()
        if language in before and now.value > before[language].value
    ]


def _knowledge(own: SystemScores) -> list[str]:
    """What the probes of facts and instructions found, where the recipe asked for them."""
    found = []
    if own.facts:
        known, sure, chance = own.facts.all.accuracy, own.facts.all.confident_wrong, own.facts.all.chance
        found.append(
            f"Questions of fact: {known.share} right ({known.low} to {known.high}; chance {chance}), {sure.share} "
            f"wrong though sure, of {known.answers}."
        )
    if own.instructions:
        of = own.instructions.all
        found.append(f"Instructions: {of.share} followed ({of.low} to {of.high}) of {of.answers}.")
    return found
