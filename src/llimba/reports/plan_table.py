"""What `llimba plan` says of the stages that train: memory line by line, then work, time and disk."""

from collections.abc import Callable

from pydantic import BaseModel
from rich import box
from rich.table import Table

from llimba.recipe.resolved import ResolvedSettings


class Estimate(BaseModel, frozen=True):
    """What one training stage will need on a card."""

    card: str
    settings: ResolvedSettings
    trained_parameters: int
    memory_gib: dict[str, float]  # line by line
    needed_gib: float
    available_gib: float
    fits: bool
    remedy: str  # settings that make it fit; empty where it fits, or where none does
    tokens: int | None  # None where nothing bounds them before the text is there
    steps: int | None
    mean_document_tokens: int
    gflops_per_token: float
    utilisation: float  # of the card's peak, assumed
    tokens_per_second: int
    hours: float | None
    hours_per_million_tokens: float
    checkpoint_disk_gib: float  # what the run will ask for before it starts


def render_plan(estimates: dict[str, Estimate]) -> Table:
    """Render `runner.estimates` for the terminal."""
    first = next(iter(estimates.values()))
    rendered = Table(title=f"What training needs on {first.card}, GiB", title_justify="left", box=box.SIMPLE_HEAD)
    rendered.add_column("")
    for stage in estimates:
        rendered.add_column(stage, justify="right")

    def row(label: str, cell: Callable[[Estimate], str], style: str = "") -> None:
        rendered.add_row(label, *map(cell, estimates.values()), style=style)

    for line in dict.fromkeys(line for e in estimates.values() for line in e.memory_gib):
        rendered.add_row(line, *(f"{e.memory_gib.get(line, 0):.2f}" for e in estimates.values()))
    row("needed at the peak", lambda e: f"{e.needed_gib:.2f} of {e.available_gib:.1f}", "bold")
    row("", lambda e: "[green]fits[/]" if e.fits else "[red]does not fit[/]")
    if not all(e.fits for e in estimates.values()):
        row("it would fit with", lambda e: "" if e.fits else e.remedy or "a larger card")
    rendered.add_section()
    row("precision, optimizer", lambda e: f"{e.settings.precision.value}, {e.settings.optimizer.value}")
    row("trained parameters", lambda e: f"{e.trained_parameters:,}")
    row("tokens", lambda e: f"{e.tokens:,}" if e.tokens else "known once the text is there")
    row("optimizer steps", lambda e: f"{e.steps:,}" if e.steps else "")
    row("GFLOP a token, as computed", lambda e: f"{e.gflops_per_token:.2f}")
    row(f"tokens/s at {first.utilisation:.0%} of the peak", lambda e: f"{e.tokens_per_second:,}")
    row("time", time_text)
    row("disk for checkpoints, GiB", lambda e: f"{e.checkpoint_disk_gib:.1f}")
    return rendered


def time_text(found: Estimate) -> str:
    """How long the work takes, or a million tokens of it where its length is not known."""
    if found.hours is None:
        return f"{60 * found.hours_per_million_tokens:.1f} min a million tokens"
    return duration(found.hours)


def duration(hours: float) -> str:
    """Hours, minutes below one hour, seconds below one minute."""
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{60 * hours:.0f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"
