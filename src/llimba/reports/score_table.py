"""The scores of the card: every system a column, every score with its sample size and interval."""

from llimba.recipe import Recipe
from llimba.reports.markdown import markdown_table
from llimba.reports.rows import Bits, Cell, Evaluated, Rate, Row, columns_of, score_sections
from llimba.reports.scored_text import published_notes, scored_on
from llimba.reports.scores import METRICS, Score, Scores, Share


def render_scores(recipe: Recipe, scores: Scores, heading: str = "Scores") -> str:
    """The card's section: a row per score, a column per system, and how it was measured."""
    columns = columns_of([Evaluated(recipe, scores)])
    table = markdown_table(
        ["", *(column.system for column in columns), "rests on"],
        [
            [row.name, *map(cell_text, row.cells), _basis(row)]
            for section in score_sections(recipe, columns)
            for row in section.rows
            if row.only != "table"
        ],
        numbers=True,
    )
    how = scores.conditions
    signatures = ", ".join(f"{called} `{how.signatures[metric]}`" for metric, called in METRICS.items())
    notes = "".join(f"\n{note}\n" for note in published_notes(scores))
    sentences = f" Sentences: {scored_on(scores)}." if scores.fewest_sentences else ""
    return (
        f"## {heading}\n\n{table}\nBehind ± is half the {how.confidence_percent} % bootstrap interval, in brackets the "
        f"Wilson interval. `copy` gives the source back unchanged. Prompt: `{how.prompt}`; answer: {how.answer}; at "
        f"most {how.max_new_tokens} new tokens; {how.harness}, {how.precision}; {signatures}. Texts are scored in "
        f"windows of {how.window} tokens.{sentences}\n{notes}"
    )


def cell_text(cell: Cell) -> str | None:
    """A cell with all its digits, so that each can be found in `scores.json`; None where nothing was measured."""
    match cell:
        case Score():
            return f"{cell.value}" + (f" ±{cell.margin}" if cell.margin is not None else "")
        case Share():
            return f"{cell.share} ({cell.low} to {cell.high})"
        case Bits(value) | Rate(value):
            return str(value)
    return cell


def _basis(measured: Row) -> str:
    counted = [f"{measured.amount} {measured.unit}"] if measured.unit else []
    counted += [f"{measured.bytes} bytes"] if measured.bytes is not None else []
    counted += [f"chance {measured.chance}"] if measured.chance is not None else []
    return ", ".join(counted)
