"""The scores of one recipe or several as one table: before, after CPT, after SFT, beside a do-nothing copy."""

from collections import Counter
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from llimba.files import read_json
from llimba.recipe import Recipe

Scores = dict[str, Any]
Column = tuple[str, Scores, str]  # heading, scores, system

PUBLISHED = "published:"  # before the heading of a system that others have scored
STAGE_HEADINGS = {"copy": "copy", "base": "base", "cpt": "after CPT", "sft": "after SFT", "model": "model"}


# Coverage of the 95 % intervals in a simulation (benchmarks/evaluation.py): 92 to 95 % from 16 sentences on, but for a
# BLEU that a few lucky sentences make (a copy of the source) 63 % with 16 and 84 % with 100 sentences.
FEW_SENTENCES = 100


def load_scores(evaluate_folder: Path) -> Scores:
    """`scores.json` of a finished evaluate stage."""
    scores: Scores = read_json(evaluate_folder / "scores.json")
    return scores


def tables(evaluated: list[tuple[Recipe, Scores]], width: int | None = None) -> list[Table]:
    """Rows of scores, columns of systems; a system that several recipes share with equal scores stands once.

    One table, or as many as it takes for none to be wider than `width` characters, each with the same rows.
    """
    recipe, first = evaluated[0]
    title = f"{recipe.base_model.name} learns {recipe.profile.name(recipe.profile.code, 'en')}"
    left = columns_of(evaluated)
    found: list[Table] = []
    while left:
        count = len(left)
        while width is not None and count > 1 and _width(recipe, first, left[:count]) > width:
            count -= 1
        found.append(_table(recipe, first, left[:count], "" if found else title))
        left = left[count:]
    return found


def _table(recipe: Recipe, first: Scores, columns: list[Column], title: str) -> Table:
    rendered = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    rendered.add_column("", no_wrap=True)
    for heading, _, _ in columns:
        rendered.add_column(escape(heading), justify="right", no_wrap=True)
    rendered.add_column("rests on", justify="right", style="dim", no_wrap=True)
    for label, cells, basis in rows(recipe, first, columns):
        if not cells:
            rendered.add_row(f"[bold]{label}[/]")
        else:
            rendered.add_row(label, *cells, basis)
    return rendered


def _width(recipe: Recipe, first: Scores, columns: list[Column]) -> int:
    """Characters that a table of these columns takes."""
    console = Console(width=10_000)
    return Measurement.get(console, console.options, _table(recipe, first, columns, "")).maximum


def footnote(first: Scores) -> str:
    """What to know of the intervals where they rest on few sentences; empty where they do not."""
    counts = [entry["sentences"] for entry in first["translation"].get("copy", {}).values()]
    if not counts or min(counts) >= FEW_SENTENCES:
        return ""
    return (
        f"± of {min(counts)} sentences is too narrow for a low BLEU (docs/evaluation.md): read chrF, and score "
        f"{FEW_SENTENCES} sentences or more before one model is called better."
    )


def rows(recipe: Recipe, first: Scores, columns: list[Column]) -> list[tuple[str, list[str], str]]:
    """(label, a cell per column, what the row rests on); a row without cells is a heading."""
    name = recipe.profile.name
    found: list[tuple[str, list[str], str]] = [("bits per byte ↓", [], "")]
    for language in recipe.evaluate.languages:
        measured = first["bits_per_byte"][next(iter(first["bits_per_byte"]))][language]
        cells = [_bits(scores, system, language) for _, scores, system in columns]
        found.append((f"  {name(language, 'en')}", cells, f"{measured['bytes'] / 1000:.1f} kB"))
    if given := first.get("translation_bits_per_byte"):
        found.append(("bits, given the source ↓", [], ""))
        for direction, measured in next(iter(given.values())).items():
            cells = [_bits(scores, system, direction, "translation_bits_per_byte") for _, scores, system in columns]
            found.append((f"  {_arrow(direction)}", cells, f"{measured['bytes'] / 1000:.1f} kB"))
    for metric, heading in (("bleu", "BLEU ↑"), ("chrf", "chrF ↑")):
        found.append((heading, [], ""))
        for direction in recipe.evaluate.directions:
            cells = [
                _with_interval(scores["translation"][system].get(direction), metric) for _, scores, system in columns
            ]
            asked = first["translation"]["copy"][direction]["sentences"]
            found.append((f"  {_arrow(direction)}", cells, f"{asked} sentences"))
    found.append(("behaviour", [], ""))
    cells = [f"{scores['stopping'][s]['share']:.0%}" if s in scores["stopping"] else "–" for _, scores, s in columns]
    systems = [system for system in first["systems"] if system in first["stopping"]]
    asked = f"{first['stopping'][systems[0]]['answers']} answers"
    found.append(("  answers that stop", cells, asked))
    for kind, label in first["kinds"].items():
        told = [_share(scores["behaviour"].get(system, {}).get("all", {}).get(kind)) for _, scores, system in columns]
        if kind != "no_end" and any(cell != "–" for cell in told):
            found.append((f"  {label.removeprefix('answers ')}", told, asked))
    return found + _probe_rows(first, columns) + _training_rows(columns)


def _arrow(direction: str) -> str:
    return direction.upper().replace("-", " → ")


def _with_interval(entry: dict[str, Any] | None, metric: str) -> str:
    """A score with half the width of its 95 % interval; a dash where the system does not go in that direction.

    Scores that others published have no interval.
    """
    if entry is None or metric not in entry:
        return "–"
    return f"{entry[metric]:.1f}" + (f" ±{entry[f'{metric}_ci']:.1f}" if f"{metric}_ci" in entry else "")


def _share(entry: dict[str, Any] | None) -> str:
    """A share with its 95 % interval; a dash where it was not measured."""
    return "–" if entry is None else f"{entry['share']:.0%} ({100 * entry['low']:.0f}-{100 * entry['high']:.0f})"


def _probe_rows(first: Scores, columns: list[Column]) -> list[tuple[str, list[str], str]]:
    """Instructions and facts, where the recipe asks for them."""
    found: list[tuple[str, list[str], str]] = []
    if probed := first.get("instructions"):
        told = [_share(scores.get("instructions", {}).get(system, {}).get("all")) for _, scores, system in columns]
        asked = next(iter(probed.values()))["all"]["answers"]
        found.append(("  instructions followed", told, f"{asked} instructions"))
    if probed := first.get("facts"):
        some = next(iter(probed.values()))["all"]
        basis = f"{some['accuracy']['answers']} questions, chance {some['chance']:.0%}"
        for key, label in (("accuracy", "facts known"), ("confident_wrong", "facts wrong, though sure")):
            told = [_share(scores.get("facts", {}).get(s, {}).get("all", {}).get(key)) for _, scores, s in columns]
            found.append((f"  {label}", told, basis))
    return found


def _training_rows(columns: list[Column]) -> list[tuple[str, list[str], str]]:
    """What the SFT of each column cost and how well it fits, where several stand side by side."""
    trained = [scores.get("training", {}) if system == "sft" else {} for _, scores, system in columns]
    labels = dict.fromkeys(label for of in trained for label in of)
    if not labels:
        return []
    return [("instruction tuning", [], "")] + [
        (f"  {label}", [of.get(label, "–") for of in trained], "") for label in labels
    ]


def columns_of(evaluated: list[tuple[Recipe, Scores]]) -> list[Column]:
    """The systems of every recipe, what others published last; one that several share with equal scores stands once."""
    columns: list[Column] = []
    names: list[str] = []
    for recipe, scores in evaluated:
        for system in scores["systems"]:
            shared = any(
                other == system and known["translation"][system] == scores["translation"][system]
                and known["bits_per_byte"].get(system) == scores["bits_per_byte"].get(system)
                for _, known, other in columns
            )  # fmt: skip
            if not shared:
                heading = STAGE_HEADINGS.get(system, system)
                if any(entry.get("published") for entry in scores["translation"][system].values()):
                    heading = f"{PUBLISHED}\n{system}"
                columns.append((heading, scores, system))
                names.append(recipe.name)
    of = Counter(system for _, _, system in columns)  # a model that is one for all bears no recipe's name
    named = [system.partition(",")[0] in ("cpt", "sft") and of[system] > 1 for _, _, system in columns]
    found = [
        (f"{heading}\n{name}" if several else heading, scores, system)
        for (heading, scores, system), name, several in zip(columns, names, named, strict=True)
    ]
    return sorted(found, key=lambda column: column[0].startswith(PUBLISHED))


def _bits(scores: Scores, system: str, what: str, measured: str = "bits_per_byte") -> str:
    """Bits per byte of a language, or of a direction's references, and the change against the base model."""
    known = scores.get(measured, {})
    if system not in known:
        return "–"
    value = known[system][what]["value"]
    if system == "base" or "base" not in known:
        return f"{value:.3f}"
    base = known["base"][what]["value"]
    return f"{value:.3f} ({(value / base - 1) * 100:+.0f} %)"
