"""What `llimba plan` says of the stages that train: memory line by line, then work, time and disk."""

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import BaseModel
from rich import box
from rich.table import Table
from rich.text import Text

from llimba.recipe.resolved import ResolvedSettings


class EpochPart(BaseModel, frozen=True):
    """What one epoch holds of one language, or of another key of the mixture, or of one task."""

    tokens: int
    documents: int  # or conversations; one that is read in pieces, or again, counts once
    pieces: int  # what steps are made of: a document longer than sequence_length is several
    asked: float | None  # its share of the tokens by the recipe's mixture; None where the recipe leaves it open


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
    tokens: int | None  # of the whole run; None where nothing bounds them before the text is there
    certainty: Literal["counted", "about", "at most", "unknown"]  # of tokens, steps and hours
    why: str = ""  # they are not counted: what is missing, and what bounds them
    epoch: dict[str, EpochPart] = {}  # by key; empty where they are not counted
    steps: int | None
    mean_document_tokens: int
    gflops_per_token: float
    utilisation: float  # of the card's peak, assumed
    tokens_per_second: int
    hours: float | None
    hours_per_million_tokens: float
    checkpoint_disk_gib: float  # what the run will ask for before it starts


class Hours(BaseModel, frozen=True):
    """How long the stages of a recipe take, in hours."""

    to_train: dict[str, float]  # by stage, of those still to run, where tokens are known or bounded
    unknown: list[str]  # stages that train for a time not known yet
    measured: dict[str, float]  # by stage, of those done
    left_out: list[str]  # stages still to run that do not train: nobody estimates them

    @property
    def total(self) -> float:
        """Of training still to run and of what is done."""
        return sum(self.to_train.values()) + sum(self.measured.values())


def render_plan(estimates: dict[str, Estimate]) -> Table:
    """Render `budget.estimates` for the terminal."""
    first = next(iter(estimates.values()))
    title = Text(f"What training needs on {first.card}, GiB", "table.title")
    rendered = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    rendered.add_column("")
    for stage in estimates:
        rendered.add_column(stage, justify="right")

    def row(label: str, cell: Callable[[Estimate], str | Text], style: str = "") -> None:
        rendered.add_row(label, *map(cell, estimates.values()), style=style)

    for line in dict.fromkeys(line for e in estimates.values() for line in e.memory_gib):
        rendered.add_row(line, *(f"{e.memory_gib.get(line, 0):.2f}" for e in estimates.values()))
    row("needed at the peak", lambda e: f"{e.needed_gib:.2f} of {e.available_gib:.1f}", "bold")
    row("", lambda e: Text("fits", "green") if e.fits else Text("does not fit", "red"))
    if not all(e.fits for e in estimates.values()):
        row("it would fit with", lambda e: "" if e.fits else e.remedy or "a larger card")
    rendered.add_section()
    row("precision, optimizer", lambda e: f"{e.settings.precision.value}, {e.settings.optimizer.value}")
    row("trained parameters", lambda e: f"{e.trained_parameters:,}")
    row("tokens", lambda e: _certain(e, f"{e.tokens:,}") if e.tokens else "see below")
    row("optimizer steps", lambda e: _certain(e, f"{e.steps:,}") if e.steps else "")
    row("GFLOP a token, as computed", lambda e: f"{e.gflops_per_token:.2f}")
    row(f"tokens/s at {first.utilisation:.0%} of the peak", lambda e: f"{e.tokens_per_second:,}")
    row("time", lambda e: _certain(e, time_text(e)))
    row("disk for checkpoints, GiB", lambda e: f"{e.checkpoint_disk_gib:.1f}")
    return rendered


def _certain(found: Estimate, text: str) -> str:
    return text if found.certainty in ("counted", "unknown") else f"{found.certainty} {text}"


def render_epoch(stage: str, epoch: Mapping[str, EpochPart]) -> Table:
    """Render what one epoch of a stage holds, by key."""
    total, with_asked = sum(part.tokens for part in epoch.values()), any(part.asked for part in epoch.values())
    rendered = Table(title=f"One epoch of {stage}", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("", "tokens", "share", *(["asked"] if with_asked else []), "documents", "pieces"):
        rendered.add_column(heading, justify="right" if heading else "left")

    def row(label: str, part: EpochPart, style: str = "") -> None:
        asked = [f"{part.asked:.1%}" if part.asked is not None else "–"] if with_asked else []
        rendered.add_row(
            label, f"{part.tokens:,}", f"{part.tokens / max(1, total):.1%}", *asked,
            f"{part.documents:,}", f"{part.pieces:,}", style=style,
        )  # fmt: skip

    for key, part in sorted(epoch.items(), key=lambda item: -item[1].tokens):
        row(key or "–", part)
    together = EpochPart(
        tokens=total,
        documents=sum(part.documents for part in epoch.values()),
        pieces=sum(part.pieces for part in epoch.values()),
        asked=1.0 if with_asked else None,
    )
    row("all", together, "bold")
    return rendered


def hours_text(hours: Hours) -> str:
    """The whole run's time in one sentence, and what is not in it."""
    parts = [f"{stage} {duration(found)}" for stage, found in hours.to_train.items()]
    parts += [f"{stage} {duration(found)}, measured" for stage, found in hours.measured.items()]
    said = f"time over all stages: {duration(hours.total)} ({'; '.join(parts)})" if parts else "time: not known yet"
    missing = [*(f"{stage} (not known yet)" for stage in hours.unknown), *hours.left_out]
    return said + (f"; not in it: {', '.join(missing)}" if missing else "")


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
