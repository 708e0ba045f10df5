"""Tables of the cards, in Markdown."""

from collections.abc import Iterable, Sequence


def markdown_table(headings: Sequence[object], rows: Iterable[Sequence[object]], *, numbers: bool = False) -> str:
    """A table, its last line ended; None is a dash. `numbers` aligns all columns but the first to the right."""
    rule = ["---", *["---:" if numbers else "---"] * (len(headings) - 1)]
    return "".join(
        "| " + " | ".join("–" if cell is None else str(cell) for cell in row) + " |\n"
        for row in (headings, rule, *rows)
    )
