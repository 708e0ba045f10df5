"""The rows and columns of every score table, computed once: the terminal, the page and the model card only render them.

A column is a system, a row one measure of all of them, a cell the measured value with its interval.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from llimba.recipe import Recipe
from llimba.reports.scores import FAULTS, METRICS, BitsPerByte, Score, Scores, Share, SystemScores

PUBLISHED = "published:"  # before the heading of a system that others have scored
HEADINGS = {"cpt": "after CPT", "sft": "after SFT"}  # of systems whose name does not say it


class Evaluated(NamedTuple):
    """A recipe and its scores; `training` is what its instruction tuning cost (`matched.training`)."""

    recipe: Recipe
    scores: Scores
    training: Mapping[str, str] = {}


class Column(NamedTuple):
    """One system; `recipe` is the name of the first one that scored it."""

    heading: str
    system: str
    recipe: str
    scores: SystemScores
    base: SystemScores | None  # that bits per byte are compared with
    training: Mapping[str, str]


class Bits(NamedTuple):
    """Bits per byte, and the change against the base model in percent."""

    value: float
    change: float | None


class Rate(NamedTuple):
    """A share without an interval."""

    value: float


Texts = Mapping[str, BitsPerByte]  # by language, direction or label
Cell = Bits | Score | Share | Rate | str | None  # None: not measured


class Row(NamedTuple):
    """One measure: a cell per column, and what it was measured on."""

    label: str  # under its section's heading
    name: str  # without it
    cells: Sequence[Cell]
    unit: str = ""
    amount: int = 0  # of units
    bytes: int | None = None
    chance: float | None = None  # accuracy of guessing
    only: Literal["card", "table"] | None = None  # the card has every number as it was measured, the table is short


class Section(NamedTuple):
    """Rows under one heading."""

    heading: str
    rows: Sequence[Row]


def columns_of(evaluated: Sequence[Evaluated]) -> list[Column]:
    """The systems of every recipe, what others published last; one that several share with equal scores stays one."""
    columns: list[Column] = []
    for recipe, scores, training in evaluated:
        base = scores.systems.get("base")
        for name, system in scores.systems.items():
            heading = f"{PUBLISHED}\n{name}" if system.published else HEADINGS.get(name, name)
            measured = (name, system.translation, system.bits_per_byte)
            if all((c.system, c.scores.translation, c.scores.bits_per_byte) != measured for c in columns):
                trained = training if name == "sft" else {}
                columns.append(Column(heading, name, recipe.name, system, None if name == "base" else base, trained))
    times = Counter(column.system for column in columns)  # a model that is one for all bears no recipe's name
    named = [
        column._replace(heading=f"{column.heading}\n{column.recipe}")
        if column.system.partition(",")[0] in ("cpt", "sft") and times[column.system] > 1
        else column
        for column in columns
    ]
    return sorted(named, key=lambda column: column.scores.published)


def score_sections(recipe: Recipe, columns: Sequence[Column]) -> list[Section]:
    """Every score of `columns`, in the order of the tables; what no column has is left out."""
    texts = _bits(columns, lambda of: of.bits_per_byte, "documents", lambda code: recipe.profile.name(code, "en"))
    references = _bits(columns, lambda scores: scores.translation_bits_per_byte, "sentences", arrow)
    sections = [
        Section("bits per byte ↓", [row._replace(name=f"bits per byte, {row.label}") for row in texts]),
        Section(
            "bits, given the source ↓",
            [row._replace(name=f"bits per byte, given the source, {row.name.upper()}") for row in references],
        ),
    ]
    for metric, called in METRICS.items():
        rows = []
        for way in _keys(column.scores.translation for column in columns):
            entries = [column.scores.translation.get(way) for column in columns]
            cells = [entry.score(metric) if entry else None for entry in entries]
            amount = next(entry.sentences for entry in entries if entry)
            row = Row(arrow(way), f"{called} {way.upper()}", cells, "sentences", amount)
            rows.append(row._replace(only="card") if metric == "chrfpp" else row)
        sections.append(Section(f"{called} ↑", rows))
    sections.append(Section("behaviour", list(_shares(recipe, columns))))
    costs = _keys(column.training for column in columns)
    training = [Row(label, label, [column.training.get(label) for column in columns]) for label in costs]
    sections.append(Section("instruction tuning", training))
    measured = (Section(heading, [row for row in rows if any(row.cells)]) for heading, rows in sections)
    return [section for section in measured if section.rows]


def label_rows(recipe: Recipe, columns: Sequence[Column]) -> list[Row]:
    """Bits per byte by source, variety and norm, where the held-out text of a language has several."""

    def labelled(scores: SystemScores) -> dict[str, BitsPerByte]:
        return {
            f"{recipe.profile.name(code, 'en')}, {label} {name}": entry
            for code, text in scores.bits_per_byte.items()
            for label, names in text.by.items()
            for name, entry in names.items()
        }

    return _bits([column._replace(base=None) for column in columns], labelled, "documents", str)


def arrow(direction: str) -> str:
    """IT → SC for it-sc."""
    return direction.upper().replace("-", " → ")


def _keys(tables: Iterable[Mapping[str, object]]) -> list[str]:
    """The keys of all tables, in the order of the first that has each."""
    return list(dict.fromkeys(key for table in tables for key in table))


def _bits(
    columns: Sequence[Column], table: Callable[[SystemScores], Texts], unit: str, label: Callable[[str], str]
) -> list[Row]:
    """A row for each key of a table of bits per byte; its name is the key."""
    rows = []
    for key in _keys(table(column.scores) for column in columns):
        entries = [table(column.scores).get(key) for column in columns]
        bases = [table(column.base).get(key) if column.base else None for column in columns]
        cells = [
            Bits(entry.value, (entry.value / base.value - 1) * 100 if base else None) if entry else None
            for entry, base in zip(entries, bases, strict=True)
        ]
        some = next(entry for entry in entries if entry)
        rows.append(Row(label(key), key, cells, unit, some.documents, some.bytes))
    return rows


def _shares(recipe: Recipe, columns: Sequence[Column]) -> Iterable[Row]:
    """Behaviour and probes: shares of answers."""
    tables = [_shares_of(column.scores) for column in columns]

    def row(key: str, label: str, name: str, unit: str) -> Row:
        cells = [table.get(key) for table in tables]
        return Row(label, f"share of {name}", cells, unit, next((cell.answers for cell in cells if cell), 0))

    stopping = [Rate(round(1 - table["no_end"].share, 4)) if "no_end" in table else None for table in tables]
    yield row("no_end", "answers that stop", "answers that stop", "answers")._replace(cells=stopping, only="table")
    for fault, called in FAULTS.items():
        found = row(fault, called.removeprefix("answers "), called, "answers")
        yield found._replace(only="card") if fault == "no_end" else found
    yield row("followed", "instructions followed", "instructions followed", "instructions")
    chance = next((column.scores.facts.all.chance for column in columns if column.scores.facts), None)
    right, sure = "questions of fact answered rightly", "questions of fact answered wrongly, though sure"
    yield row("accuracy", "facts known", right, "questions")._replace(chance=chance)
    yield row("confident_wrong", "facts wrong, though sure", sure, "questions")._replace(chance=chance)
    language = recipe.profile.name(recipe.profile.code, "en")
    for heat in dict.fromkeys(heat for column in columns for heat in column.scores.mode_switch):
        label = f"answers wholly in {language} at temperature {heat:g}"
        yield row(f"{heat}", label, label, "answers")._replace(only="card")  # elsewhere it is a picture


def _shares_of(scores: SystemScores) -> Mapping[str, Share]:
    """By the name of what the share is of; several tables in one, as a row is looked up in it."""
    faults = scores.behaviour.all if scores.behaviour else {}
    found: dict[str, Share] = {str(fault): share for fault, share in faults.items()}
    if scores.instructions:
        found["followed"] = scores.instructions.all
    if scores.facts:
        found |= {"accuracy": scores.facts.all.accuracy, "confident_wrong": scores.facts.all.confident_wrong}
    return found | {f"{heat}": shares.target for heat, shares in scores.mode_switch.items()}
