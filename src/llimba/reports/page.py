"""The page of a comparison: scores against baselines and published numbers, pictures, and the sentences themselves.

One HTML file that needs nothing else, made with jinja2 from the same rows as the table on the terminal. Word by word
differences are difflib's.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from llimba.files import replacing, stable_fraction
from llimba.languages.text import words
from llimba.recipe import Recipe
from llimba.reports import matched
from llimba.reports.evaluated import EvaluatedFolder, SavedAnswer, read_answers
from llimba.reports.paired import NOTE, SAMPLES, against_the_first
from llimba.reports.plots import forgetting, mode_switch
from llimba.reports.rows import Column, Evaluated, arrow, columns_of, label_rows, score_sections
from llimba.reports.scored_text import published_notes
from llimba.reports.scores import Translation
from llimba.reports.table import basis_text, cell_text, footnote, title_of
from llimba.reports.training_facts import HeldOutMetrics, TrainedFolder

SHOWN, WORST = 20, 5  # sentences of each direction
Finished = tuple[Recipe, dict[str, Path]]  # a recipe, and the folders of its finished stages by name


class Sentence(NamedTuple):
    """A sentence with the answers of all systems in pieces, by heading; `chrf` is the last one's."""

    id: str
    source: str
    reference: str
    chrf: float
    systems: dict[str, list[tuple[str, bool]]]


class Direction(NamedTuple):
    """The sentences of one direction: some drawn by hash, and the worst of the last system."""

    direction: str
    last: str
    links: dict[str, str]  # heading -> where all answers are
    drawn: list[Sentence]
    worst: list[Sentence]


def write_page(finished: Sequence[Finished], page: Path) -> None:
    """Write the page of recipes and the folders of their finished stages."""
    from jinja2 import Environment

    folders = {recipe.name: EvaluatedFolder(stages["evaluate"]) for recipe, stages in finished}
    several = len(finished) > 1
    evaluated = [
        Evaluated(recipe, folders[recipe.name].scores(), matched.training(stages) if several else {})
        for recipe, stages in finished
    ]
    recipe, first, _ = evaluated[0]
    columns = columns_of(evaluated)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"cell": cell_text, "basis": basis_text, "arrow": arrow}
    template = environment.from_string((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    text = template.render(
        title=title_of(evaluated),
        recipes=[of.name for of, _ in finished],
        columns=columns,
        sections=score_sections(recipe, columns),
        footnote=footnote(first),
        scores=first,
        published=list(_published(evaluated)),
        published_notes=published_notes(first),
        first=recipe.name,
        paired=against_the_first([(of, folders[of.name]) for of, _ in finished]),
        samples=SAMPLES,
        paired_note=NOTE,
        matched=matched.proof({of.name: stages for of, stages in finished}),
        by_label=label_rows(recipe, columns),
        tokenizers_differ=tokenizers_differ(columns),
        mode_switch=_mode_switch(recipe, columns),
        forgetting={of.name: svg for of, there in finished if (svg := _forgetting(of, there))},
        directions=[sentences(way, columns, folders, page.parent) for way in recipe.evaluate.directions],
    )
    with replacing(page) as handle:
        handle.write(text)


def marked(hypothesis: str, reference: str) -> list[tuple[str, bool]]:
    """The hypothesis in pieces, each with whether its words are in the reference in this order."""
    said, wanted = words(hypothesis), words(reference)
    pieces: list[tuple[str, bool]] = []
    for kind, start, end, _, _ in SequenceMatcher(None, said, wanted, autojunk=False).get_opcodes():
        if start < end:
            pieces.append((" ".join(said[start:end]), kind == "equal"))
    return pieces


def _published(evaluated: Sequence[Evaluated]) -> Iterator[tuple[str, str, str, Translation, Translation]]:
    """Our last model next to each published system: recipe, system, direction, our scores, theirs."""
    for recipe, scores, _ in evaluated:
        ours = scores.systems[recipe.trains[-1]].translation
        for name, system in scores.systems.items():
            for direction, theirs in system.translation.items() if system.published else ():
                if direction in ours:
                    yield recipe.name, name, direction, ours[direction], theirs


def tokenizers_differ(columns: Sequence[Column]) -> bool:
    """Whether two systems cut the same bytes into different numbers of tokens."""
    counts: dict[tuple[str, int], set[int]] = {}
    for column in columns:
        for language, entry in column.scores.bits_per_byte.items():
            counts.setdefault((language, entry.bytes), set()).add(entry.tokens)
    return any(len(numbers) > 1 for numbers in counts.values())


def sentences(direction: str, columns: Sequence[Column], folders: dict[str, EvaluatedFolder], place: Path) -> Direction:
    """Sentences of one direction with every system's answer: some drawn by hash, and the last system's worst."""
    from sacrebleu.metrics import CHRF

    answers: dict[str, dict[str, SavedAnswer]] = {}
    links = {}
    for column in columns:
        path = folders[column.recipe].answers_file(column.system, direction)
        if path.exists():
            answers[column.heading] = {answer.id: answer for answer in read_answers(path)}
            links[column.heading] = os.path.relpath(path, place)
    heading, last = list(answers.items())[-1]
    metric = CHRF()
    scored = {key: metric.sentence_score(row.hypothesis, [row.reference]).score for key, row in last.items()}

    def shown(key: str) -> Sentence:
        row = last[key]
        answered = {name: of[key].hypothesis for name, of in answers.items() if key in of and name != "copy"}
        said = {name: marked(hypothesis, row.reference) for name, hypothesis in answered.items()}
        return Sentence(key, row.source, row.reference, scored[key], said)

    drawn = sorted(last, key=lambda key: stable_fraction("report", key))[:SHOWN]
    worst = sorted(last, key=lambda key: (scored[key], key))[:WORST]
    return Direction(arrow(direction), heading, links, [shown(key) for key in drawn], [shown(key) for key in worst])


def _mode_switch(recipe: Recipe, columns: Sequence[Column]) -> str:
    """The picture over temperature of every system that was probed; empty where none was."""
    probed = {c.heading.replace("\n", ", "): c.scores.mode_switch for c in columns if c.scores.mode_switch}
    if not probed:
        return ""
    return _picture(lambda path: mode_switch(probed, path, "", recipe.profile.name(recipe.profile.code, "en")))


def _forgetting(recipe: Recipe, folders: dict[str, Path]) -> str:
    """The picture of held-out text over the steps of both trainings; empty where nothing was looked at."""
    facts = {stage: TrainedFolder(folders[stage]).facts() for stage in ("cpt", "sft") if stage in folders}
    measured: dict[str, HeldOutMetrics] = {stage: found.held_out for stage, found in facts.items() if found is not None}
    if not measured or not all(measured.values()):
        return ""
    names = {code: recipe.profile.name(code, "en") for code in next(iter(measured.values()))[0] if code != "step"}
    return _picture(lambda path: forgetting(measured, names, path, ""))


def _picture(draw: Callable[[Path], None]) -> str:
    """What `draw(path)` draws, as SVG for the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.svg"
        draw(path)
        text = path.read_text(encoding="utf-8")
    return text[text.index("<svg") :]
