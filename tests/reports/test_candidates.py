"""The table of base models: a column each, the recommended one marked, and what it has no room for as sentences."""

import io

from rich.console import Console

from llimba.reports.candidates import Choice, notes, render_choice
from tests.reports.candidates import candidate, fit

NAMES = {"sc": "Sardinian", "it": "Italian"}


def choice(*candidates: object) -> Choice:
    fields = {"card": "RTX 4090", "target": "sc", "recommended": "a/first", "reason": "r", "vocabulary": "v"}
    return Choice.model_validate(fields | {"candidates": candidates})


def shown(found: Choice) -> str:
    console = Console(file=io.StringIO(), width=120)
    for table in render_choice(found, NAMES):
        console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def row(text: str, label: str) -> list[str]:
    return next(line for line in text.splitlines() if line.strip().startswith(label)).split("  ")


def test_a_column_for_every_candidate() -> None:
    text = shown(choice(candidate("a/first"), candidate("b/second", 2.5, full=fit(30.0))))
    assert "first ◀" in text
    assert "second ◀" not in text
    assert [cell.strip() for cell in row(text, "Sardinian") if cell.strip()][1:] == [
        "2.000 (1.90-2.10)",
        "2.500 (2.40-2.60)",
    ]
    assert "no: 30.0 of 24.0" in " ".join(row(text, "full"))
    assert "training, GiB of RTX 4090" in text
    assert "2.12" in text


def test_what_could_not_be_scored_is_a_column_too_and_a_sentence() -> None:
    refused = candidate("c/refused", training="refused", reason="its gradient is off", languages={}, full=None)
    text = shown(choice(candidate("a/first"), refused))
    assert "–" in row(text, "Sardinian")[-2]
    assert "c/refused: refused: its gradient is off" in notes(choice(refused))


def test_more_than_three_make_another_table() -> None:
    tables = render_choice(choice(*(candidate(f"a/{n}") for n in range(7))), NAMES)
    assert [len(table.columns) - 1 for table in tables] == [3, 3, 1]


def test_sentences_on_licences_and_memory() -> None:
    found = candidate("a/first", license_difference="declared mit, published as gemma", objection="it is for research")
    said = notes(choice(found, candidate("b/large", full=fit(30.0), adapter=fit(31.0))))
    assert said == [
        "a/first: licence declared mit, published as gemma",
        "a/first: it is for research",
        "b/large: full training would fit with precision: bf16",
        "b/large: adapters would fit with precision: bf16",
    ]
    assert notes(choice(candidate("a/first"))) == []
