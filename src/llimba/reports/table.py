"""The scores of one recipe or several as a table on the terminal: before and after training, next to a copy."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from llimba.reports.rows import Bits, Cell, Column, Evaluated, Rate, Row, Section, columns_of, score_sections
from llimba.reports.scores import Score, Scores, Share

# Coverage of the 95 % intervals in a simulation (benchmarks/evaluation.py): 92 to 95 % from 16 sentences on, but for a
# BLEU that a few lucky sentences make (a copy of the source) 63 % with 16 and 84 % with 100 sentences.
FEW_SENTENCES = 100


def render_tables(evaluated: Sequence[Evaluated], width: int | None = None) -> list[Table]:
    """Rows of scores, columns of systems; a system that several recipes share with equal scores is there once.

    One table, or as many as it takes for none to be wider than `width` characters, each with the same rows.
    """
    columns = columns_of(evaluated)
    sections, title = score_sections(evaluated[0].recipe, columns), title_of(evaluated)
    found: list[Table] = []
    start = 0
    while start < len(columns):
        end = len(columns)
        while width is not None and end > start + 1 and _width(_table(columns, sections, start, end, "")) > width:
            end -= 1
        found.append(_table(columns, sections, start, end, "" if found else title))
        start = end
    return found


def title_of(evaluated: Sequence[Evaluated]) -> str:
    """What a table of these recipes is called."""
    recipe = evaluated[0].recipe
    return f"{recipe.base_model.name} learns {recipe.profile.name(recipe.profile.code, 'en')}"


def footnote(scores: Scores) -> str:
    """What to know of the intervals where they rest on few sentences; empty where they do not."""
    count = scores.fewest_sentences
    if not count or count >= FEW_SENTENCES:
        return ""
    return (
        f"± of {count} sentences is too narrow for a low BLEU (docs/evaluation.md): read chrF, and score "
        f"{FEW_SENTENCES} sentences or more before one model is called better."
    )


def cell_text(cell: Cell) -> str:
    """A cell in as many digits as its interval leaves certain; a dash where nothing was measured."""
    match cell:
        case Bits(value, change):
            return f"{value:.3f}" + (f" ({change:+.0f} %)" if change is not None else "")
        case Score():
            return f"{cell.value:.1f}" + (f" ±{cell.margin:.1f}" if cell.margin is not None else "")
        case Share():
            return f"{cell.share:.0%} ({100 * cell.low:.0f}-{100 * cell.high:.0f})"
        case Rate(value):
            return f"{value:.0%}"
    return cell or "–"


def basis_text(row: Row) -> str:
    """What a row was measured on."""
    if row.bytes is not None:
        return f"{row.bytes / 1000:.1f} kB"
    chance = f", chance {row.chance:.0%}" if row.chance is not None else ""
    return f"{row.amount} {row.unit}{chance}" if row.unit else ""


def _table(columns: Sequence[Column], sections: Sequence[Section], start: int, end: int, title: str) -> Table:
    heading = Text(title, "table.title")
    rendered = Table(title=heading, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    rendered.add_column("", no_wrap=True)
    for column in columns[start:end]:
        rendered.add_column(Text(column.heading), justify="right", no_wrap=True)
    rendered.add_column("rests on", justify="right", style="dim", no_wrap=True)
    for section in sections:
        shown = [row for row in section.rows if row.only != "card"]
        if shown:
            rendered.add_row(Text(section.heading, "bold"))
        for row in shown:
            cells = [f"  {row.label}", *map(cell_text, row.cells[start:end]), basis_text(row)]
            rendered.add_row(*map(Text, cells))
    return rendered


def _width(table: Table) -> int:
    """Characters that a table takes."""
    console = Console(width=10_000)
    return Measurement.get(console, console.options, table).maximum
