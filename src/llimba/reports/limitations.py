"""What the finished model does badly, in sentences made of its measured failures."""

from typing import Any

from llimba.recipe import Recipe

MODEL = "sft"  # the system that is published
REFERENCE = {"copy": "giving the source back unchanged", "base": "the base model"}


def limitations(recipe: Recipe, scores: dict[str, Any]) -> str:
    """The card's section: every sentence names the numbers that it rests on."""
    fewest = min((entry["sentences"] for entry in scores["translation"]["copy"].values()), default=0)
    general = (
        f"The model is as good as its base ({recipe.base_model.name}) and its text: it invents facts, and mixes "
        "languages. Nobody has tested it for safety."
    )
    rest = (
        f"The translation scores rest on {fewest} sentences a direction or more, of the recipe's own held-out text: "
        "they compare the columns of this table and nothing else."
    )
    found = [
        *_behaviour(scores),
        *_translation(scores),
        *_forgotten(recipe, scores),
        *_knowledge(scores),
        rest,
        general,
    ]
    return "## Limitations\n\n" + "\n".join(f"- {sentence}" for sentence in found) + "\n"


def _behaviour(scores: dict[str, Any]) -> list[str]:
    """Faults of its answers, the commonest first; one that was never seen is not told."""
    shares = scores["behaviour"].get(MODEL, {}).get("all", {})
    seen = sorted(((shares[kind], label) for kind, label in scores["kinds"].items() if kind in shares),
                  key=lambda pair: -pair[0]["share"])  # fmt: skip
    told = [
        f"Share of {label}: {of['share']} ({of['low']} to {of['high']}) of {of['answers']}." if "answers" in of else
        f"Share of {label}: {of['share']} ({of['low']} to {of['high']})."
        for of, label in seen if of["share"] > 0
    ]  # fmt: skip
    stopping = scores["stopping"].get(MODEL)
    if stopping and stopping["share"] < 1 and "no_end" not in shares:  # evaluated before it was counted as a fault
        told.insert(0, f"Not every answer ends by itself: {stopping['share']} of {stopping['answers']} did.")
    return told


def _translation(scores: dict[str, Any]) -> list[str]:
    """Directions in which it is no better than doing nothing, or than before, by chrF."""
    told = []
    for direction, own in scores["translation"][MODEL].items():
        for system, words in REFERENCE.items():
            other = scores["translation"].get(system, {}).get(direction)
            if other and own["chrf"] <= other["chrf"]:
                told.append(
                    f"{direction.upper()}: no better than {words} by chrF ({own['chrf']} against {other['chrf']})."
                )
    return told


def _forgotten(recipe: Recipe, scores: dict[str, Any]) -> list[str]:
    """Languages that it predicts worse than its base does."""
    told, base = [], scores["bits_per_byte"].get("base", {})
    for language, own in scores["bits_per_byte"][MODEL].items():
        if language in base and own["value"] > base[language]["value"]:
            name = recipe.profile.name(language, "en")
            told.append(
                f"Forgotten: {name} takes {own['value']} bits per byte, {base[language]['value']} in the base model."
            )
    return told


def _knowledge(scores: dict[str, Any]) -> list[str]:
    """What the probes of facts and instructions found, where the recipe asked for them."""
    told = []
    if of := scores.get("facts", {}).get(MODEL, {}).get("all"):
        sure, known = of["confident_wrong"], of["accuracy"]
        told.append(
            f"Questions of fact: {known['share']} right ({known['low']} to {known['high']}; chance {of['chance']}), "
            f"{sure['share']} wrong though sure, of {known['answers']}."
        )
    if of := scores.get("instructions", {}).get(MODEL, {}).get("all"):
        told.append(f"Instructions: {of['share']} followed ({of['low']} to {of['high']}) of {of['answers']}.")
    return told
