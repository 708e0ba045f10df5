"""The page of a comparison: scores against baselines and published numbers, pictures, and the sentences themselves.

One HTML file that needs nothing else, made with jinja2 from the same folders as the table on the terminal. Word by word
differences are difflib's.
"""

import os
import tempfile
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from llimba.files import read_jsonl, replacing, stable_fraction
from llimba.recipe import Recipe
from llimba.reports import matched
from llimba.reports.paired import NOTE, SAMPLES, against_the_first
from llimba.reports.table import Scores, columns_of, footnote, load_scores, rows
from llimba.reports.training_facts import HeldOutMetrics, TrainedFolder

SHOWN, WORST = 20, 5  # sentences of each direction
Finished = tuple[Recipe, dict[str, Path]]  # a recipe, and the folders of its finished stages by name


def report(finished: Sequence[Finished], place: Path) -> dict[str, Any]:
    """Everything that the page shows; links to raw answers are relative to `place`, the page's folder."""
    folders = {recipe.name: folders["evaluate"] for recipe, folders in finished}
    trained = {recipe.name: folders["sft"] for recipe, folders in finished}
    several = len(finished) > 1
    costs = {name: {"training": matched.training(folder)} if several else {} for name, folder in trained.items()}
    evaluated = [(recipe, load_scores(folders[recipe.name]) | costs[recipe.name]) for recipe, _ in finished]
    recipe, first = evaluated[0]
    columns = columns_of(evaluated)
    table = [
        {"label": label.strip(), "cells": cells, "basis": basis} for label, cells, basis in rows(*evaluated[0], columns)
    ]
    return {
        "title": f"{recipe.base_model.name} learns {recipe.profile.name(recipe.profile.code, 'en')}",
        "recipes": [of.name for of, _ in finished],
        "headings": [heading for heading, _, _ in columns],
        "table": table,
        "footnote": footnote(first),
        "published": _published(evaluated),
        "paired": against_the_first([(of, folders[of.name]) for of, _ in finished]),
        "samples": SAMPLES,
        "paired_note": NOTE,
        "matched": matched.proof(trained),
        "by_label": _by_label(recipe, first, columns),
        "tokenizers_differ": _tokenizers_differ(evaluated),
        "mode_switch": _mode_switch(evaluated),
        "forgetting": [
            {"name": of.name, "picture": picture} for of, there in finished if (picture := _forgetting(of, there))
        ],
        "directions": [
            _sentences(
                direction,
                [(heading, folders[_owner(scores, evaluated)], system) for heading, scores, system in columns],
                place,
            )
            for direction in recipe.evaluate.directions
        ],
        "scores": first,
    }


def marked(hypothesis: str, reference: str) -> list[tuple[str, bool]]:
    """The hypothesis in pieces, each with whether its words stand in the reference in this order."""
    said, wanted = hypothesis.split(), reference.split()
    pieces: list[tuple[str, bool]] = []
    for kind, start, end, _, _ in SequenceMatcher(None, said, wanted, autojunk=False).get_opcodes():
        if start < end:
            pieces.append((" ".join(said[start:end]), kind == "equal"))
    return pieces


def _owner(scores: Scores, evaluated: list[tuple[Recipe, Scores]]) -> str:
    return next(recipe.name for recipe, of in evaluated if of is scores)


def _published(evaluated: list[tuple[Recipe, Scores]]) -> list[dict[str, Any]]:
    """Our last model beside each published system, direction by direction."""
    found = []
    for recipe, scores in evaluated:
        ours = scores["translation"].get("sft", {})
        for system, entries in scores["translation"].items():
            for direction, entry in entries.items():
                if entry.get("published") and direction in ours:
                    mine = ours[direction]
                    found.append(
                        {
                            "recipe": recipe.name, "system": system, "direction": direction,
                            "ours": {m: mine[m] for m in ("bleu", "chrf")},
                            "theirs": {m: entry.get(m) for m in ("bleu", "chrf")},
                        }
                    )  # fmt: skip
    return found


def _by_label(recipe: Recipe, first: Scores, columns: list[Any]) -> list[dict[str, Any]]:
    """Bits per byte by source, variety and norm, where a language's held-out text has several."""
    found = []
    for language, measured in first["bits_per_byte"][next(iter(first["bits_per_byte"]))].items():
        for label, names in measured.get("by", {}).items():
            for name, entry in names.items():
                cells = [
                    scores["bits_per_byte"]
                    .get(system, {})
                    .get(language, {})
                    .get("by", {})
                    .get(label, {})
                    .get(name, {})
                    .get("value")
                    for _, scores, system in columns
                ]
                spoken = recipe.profile.name(language, "en")
                found.append({"label": f"{spoken}, {label} {name}", "cells": cells, "bytes": entry["bytes"]})
    return found


def _tokenizers_differ(evaluated: list[tuple[Recipe, Scores]]) -> bool:
    """Whether two systems cut the same bytes into different numbers of tokens."""
    counts: dict[tuple[str, int], set[int]] = {}
    for _, scores in evaluated:
        for languages in scores["bits_per_byte"].values():
            for language, entry in languages.items():
                counts.setdefault((language, entry["bytes"]), set()).add(entry.get("tokens", 0))
    return any(len(numbers) > 1 for numbers in counts.values())


def _sentences(direction: str, systems: list[tuple[str, Path, str]], place: Path) -> dict[str, Any]:
    """Sentences of one direction with every system's answer: some drawn by hash, and the last system's worst."""
    from sacrebleu.metrics import CHRF

    answers = {}
    links = []
    for heading, folder, system in systems:
        path = folder / "hypotheses" / f"{system}.{direction}.jsonl"
        if path.exists():
            answers[heading] = {row["id"]: row for row in read_jsonl(path)}
            links.append({"heading": heading, "path": os.path.relpath(path, place)})
    last = answers[list(answers)[-1]]
    metric = CHRF()
    scored = {key: metric.sentence_score(row["hypothesis"], [row["reference"]]).score for key, row in last.items()}

    def shown(key: Any) -> dict[str, Any]:
        row = last[key]
        said = [
            {"heading": heading, "pieces": marked(of[key]["hypothesis"], row["reference"])}
            for heading, of in answers.items()
            if key in of and heading != "copy"
        ]
        return {"id": key, "source": row["source"], "reference": row["reference"], "chrf": scored[key], "systems": said}

    drawn = sorted(last, key=lambda key: stable_fraction("report", str(key)))[:SHOWN]
    worst = sorted(last, key=lambda key: (scored[key], str(key)))[:WORST]
    return {
        "direction": direction.upper().replace("-", " → "),
        "last": list(answers)[-1],
        "links": links,
        "drawn": [shown(key) for key in drawn],
        "worst": [shown(key) for key in worst],
    }


def _mode_switch(evaluated: list[tuple[Recipe, Scores]]) -> str:
    """The picture over temperature of every system that was probed; empty where none was."""
    from llimba.reports.plots import mode_switch

    probed = {
        heading.replace("\n", ", "): scores["mode_switch"][system]
        for heading, scores, system in columns_of(evaluated)
        if system in scores.get("mode_switch", {})
    }
    recipe = evaluated[0][0]
    if not probed:
        return ""
    return _picture(lambda path: mode_switch(probed, path, "", recipe.profile.name(recipe.profile.code, "en")))


def _forgetting(recipe: Recipe, folders: dict[str, Path]) -> str:
    """The picture of held-out text over the steps of both trainings; empty where nothing was looked at."""
    from llimba.reports.plots import forgetting

    facts = {stage: TrainedFolder(folders[stage]).facts() for stage in ("cpt", "sft") if stage in folders}
    measured: dict[str, HeldOutMetrics] = {stage: found.held_out for stage, found in facts.items() if found is not None}
    if not measured or not all(measured.values()):
        return ""
    names = {code: recipe.profile.name(code, "en") for code in next(iter(measured.values()))[0] if code != "step"}
    return _picture(lambda path: forgetting(measured, names, path, ""))


def _picture(draw: Any) -> str:
    """What `draw(path)` draws, as SVG to stand in the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.svg"
        draw(path)
        text = path.read_text(encoding="utf-8")
    return text[text.index("<svg") :]


def write_report(found: dict[str, Any], page: Path) -> None:
    """Write the page."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    with replacing(page) as handle:
        handle.write(template.render(**found))
