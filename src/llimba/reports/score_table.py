"""The scores of the card: every system a column, every score with what it rests on and how sure it is."""

from typing import Any

from llimba.recipe import Recipe

Scores = dict[str, Any]


def score_table(recipe: Recipe, scores: Scores) -> str:
    """The card's section: a row per score, a column per system, and how it was measured."""
    systems = scores["systems"]
    lines = ["## Scores\n", row(["", *systems, "rests on"]), row(["---", *["---:"] * (len(systems) + 1)])]
    for language, base in scores["bits_per_byte"]["base"].items():
        values = [scores["bits_per_byte"].get(system, {}).get(language, {}).get("value", "–") for system in systems]
        basis = f"{base['documents']} documents, {base['bytes']} bytes"
        lines.append(row([f"bits per byte, {recipe.profile.name(language, 'en')}", *values, basis]))
    given = scores.get("translation_bits_per_byte", {})
    for direction, base in given.get("base", {}).items():
        values = [given.get(system, {}).get(direction, {}).get("value", "–") for system in systems]
        basis = f"{base['documents']} sentences, {base['bytes']} bytes"
        lines.append(row([f"bits per byte, given the source, {direction.upper()}", *values, basis]))
    for metric, name in (("bleu", "BLEU"), ("chrf", "chrF"), ("chrfpp", "chrF++")):
        for direction, entry in scores["translation"]["copy"].items():
            found = [scores["translation"][system].get(direction) for system in systems]
            values = [_with_interval(of, metric) for of in found]
            lines.append(row([f"{name} {direction.upper()}", *values, f"{entry['sentences']} sentences"]))
    values = [scores["stopping"].get(system, {}).get("share", "–") for system in systems]
    lines.append(row(["share of answers that stop", *values, f"{scores['stopping']['base']['answers']} answers"]))
    for kind, label in scores["kinds"].items():
        shares = [scores["behaviour"].get(system, {}).get("all", {}).get(kind) for system in systems]
        if any(shares):
            cells = [f"{of['share']} ({of['low']} to {of['high']})" if of else "–" for of in shares]
            lines.append(row([f"share of {label}", *cells, f"{scores['stopping']['base']['answers']} answers"]))
    lines += _probes(scores, systems)
    for system, probed in scores.get("mode_switch", {}).items():
        told = "; ".join(
            f"{t}: {of['target']['share']} ({of['target']['low']} to {of['target']['high']})"
            for t, of in probed.items()
        )
        answers = next(iter(probed.values()))["target"]["answers"]
        label = f"share of answers wholly in {recipe.profile.name(recipe.profile.code, 'en')}, {system}, by temperature"
        lines.append(row([label, told, *[""] * (len(systems) - 1), f"{answers} answers or more each"]))
    return "\n".join(lines) + (
        f"\n\nBehind ± stands half the {scores['confidence_percent']} % bootstrap interval, in brackets the "
        f"Wilson interval. `copy` gives the source back unchanged. Prompt: `{scores['prompt']}`; answer: "
        f"{scores['answer']}; at most "
        f"{scores['max_new_tokens']} new tokens; {scores['harness']}, {scores['precision']}; BLEU "
        f"`{scores['signatures']['bleu']}`, chrF `{scores['signatures']['chrf']}`, "
        f"chrF++ `{scores['signatures']['chrfpp']}`. Texts are scored in windows of "
        f"{scores['window']} tokens.\n"
        + "".join(
            f"\n{of['title']}: published by others ({of['source']}). {of['conditions']}. Other sentences and another "
            "prompt.\n"
            for of in scores.get("published", [])
        )
    )


def _with_interval(entry: dict[str, Any] | None, metric: str) -> str:
    """A score with half the width of its interval; what others published has none, and not every metric."""
    if entry is None or metric not in entry:
        return "–"
    return f"{entry[metric]}" + (f" ±{entry[f'{metric}_ci']}" if f"{metric}_ci" in entry else "")


def _probes(scores: Scores, systems: list[str]) -> list[str]:
    """Rows of the probes of facts and instructions, where the recipe asks for them."""
    lines = []
    for probe, key, label in (
        ("facts", "accuracy", "questions of fact answered rightly"),
        ("facts", "confident_wrong", "questions of fact answered wrongly, though sure"),
        ("instructions", "", "instructions followed"),
    ):
        found = {system: of["all"][key] if key else of["all"] for system, of in scores.get(probe, {}).items()}
        if found:
            cells = [f"{of['share']} ({of['low']} to {of['high']})" if (of := found.get(s)) else "–" for s in systems]
            lines.append(row([f"share of {label}", *cells, f"{next(iter(found.values()))['answers']} answers"]))
    return lines


def row(cells: list[Any]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
