"""The scores of the card: every system a column, every score with what it rests on and how sure it is."""

from collections.abc import Iterable

from llimba.recipe import Recipe
from llimba.reports.rows import Bits, Cell, Evaluated, Rate, Row, columns_of, score_sections
from llimba.reports.scores import METRICS, Score, Scores, Share


def render_scores(recipe: Recipe, scores: Scores) -> str:
    """The card's section: a row per score, a column per system, and how it was measured."""
    columns = columns_of([Evaluated(recipe, scores)])
    lines = [
        row(["", *(column.system for column in columns), "rests on"]),
        row(["---", *["---:"] * (len(columns) + 1)]),
    ]
    for section in score_sections(recipe, columns):
        lines += [
            row([one.name, *map(cell_text, one.cells), _basis(one)]) for one in section.rows if one.only != "table"
        ]
    how = scores.conditions
    signatures = ", ".join(f"{called} `{how.signatures[metric]}`" for metric, called in METRICS.items())
    notes = "".join(
        f"\n{of.title}: published by others ({of.source}). {of.conditions}. Other sentences and another prompt.\n"
        for of in scores.published
    )
    return (
        "## Scores\n\n"
        + "\n".join(lines)
        + (
            f"\n\nBehind ± is half the {how.confidence_percent} % bootstrap interval, in brackets the Wilson interval. "
            f"`copy` gives the source back unchanged. Prompt: `{how.prompt}`; answer: {how.answer}; at most "
            f"{how.max_new_tokens} new tokens; {how.harness}, {how.precision}; {signatures}. Texts are scored in "
            f"windows of {how.window} tokens.\n{notes}"
        )
    )


def cell_text(cell: Cell) -> str:
    """A cell with all its digits, so that each can be found in `scores.json`; a dash where nothing was measured."""
    match cell:
        case Score():
            return f"{cell.value}" + (f" ±{cell.margin}" if cell.margin is not None else "")
        case Share():
            return f"{cell.share} ({cell.low} to {cell.high})"
        case Bits(value) | Rate(value):
            return str(value)
    return cell or "–"


def row(cells: Iterable[object]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _basis(measured: Row) -> str:
    counted = [f"{measured.amount} {measured.unit}"] if measured.unit else []
    counted += [f"{measured.bytes} bytes"] if measured.bytes is not None else []
    counted += [f"chance {measured.chance}"] if measured.chance is not None else []
    return ", ".join(counted)
