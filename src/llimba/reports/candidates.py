"""What `llimba choose` found of base models, as types, and as a table on the terminal: candidates side by side."""

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict
from rich import box
from rich.table import Table
from rich.text import Text

COLUMNS = 3  # candidates in one table; more make another

Training = Literal["a call a row", "a call a document", "refused", "not loaded"]


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True)


class LanguageScore(_Found):
    """Of the recipe's held-out text in one language."""

    bits_per_byte: float
    low: float  # of its 95 % interval: lines resampled
    high: float
    tokens_per_word: float
    bytes: int
    lines: int


class Fit(_Found):
    """Whether a training fits the card, by the arithmetic of `llimba plan`."""

    fits: bool
    needed_gib: float
    available_gib: float
    remedy: str  # settings that would make it fit


class Candidate(_Found):
    """One base model."""

    name: str
    training: Training
    reason: str  # for `training`, in words
    license: str = ""  # that counts for the model itself
    license_difference: str = ""  # between the declared and the published one
    result_license: str = ""  # of what is trained from it on the recipe's text
    asks: tuple[str, ...] = ()  # what it asks, e.g. ("attribution", "share-alike")
    objection: str = ""  # why that does not do, by the recipe's own declaration or since it is restricted
    parameters: int | None = None
    full: Fit | None = None  # None: its size is not known
    adapter: Fit | None = None  # None: or it has none of the layers that the adapter trains
    languages: dict[str, LanguageScore] = {}  # by code, in the recipe's order; empty where it was not scored

    @property
    def short(self) -> str:
        """The name without who published it."""
        return self.name.rstrip("/").rpartition("/")[2]

    @property
    def fits(self) -> bool:
        """Whether some training fits the card, or nothing is known against it."""
        known = [fit for fit in (self.full, self.adapter) if fit is not None]
        return not known or any(fit.fits for fit in known)


class Choice(_Found):
    """The candidates, and which of them to take."""

    card: str
    target: str  # language code
    candidates: list[Candidate]
    recommended: str | None  # a candidate's name
    reason: str
    vocabulary: str  # whether extending it would be worth it; empty where nothing is recommended


def render_choice(choice: Choice, names: dict[str, str]) -> list[Table]:
    """One table, or one for every three candidates; `names` of the languages by code."""
    starts = range(0, len(choice.candidates), COLUMNS)
    return [_table(choice.candidates[start : start + COLUMNS], choice, names) for start in starts]


def notes(choice: Choice) -> list[str]:
    """Sentences on single candidates that the table has no room for."""
    found = []
    for candidate in choice.candidates:
        if candidate.training in ("refused", "not loaded"):
            found.append(f"{candidate.name}: {candidate.training}: {candidate.reason}")
        if candidate.license_difference:
            found.append(f"{candidate.name}: licence {candidate.license_difference}")
        if candidate.objection:
            found.append(f"{candidate.name}: {candidate.objection}")
        for kind, fit in (("full training", candidate.full), ("adapters", candidate.adapter)):
            if fit is not None and not fit.fits and fit.remedy:
                found.append(f"{candidate.name}: {kind} would fit with {fit.remedy}")
    return found


def _table(candidates: Sequence[Candidate], choice: Choice, names: dict[str, str]) -> Table:
    title = Text(f"Base models for {names[choice.target]}", "table.title")
    rendered = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    rendered.add_column("", no_wrap=True)
    for candidate in candidates:
        mark = " ◀" if candidate.name == choice.recommended else ""
        rendered.add_column(Text(candidate.short + mark), justify="right", overflow="fold")

    def row(label: str, cell: Callable[[Candidate], str]) -> None:
        rendered.add_row(Text(f"  {label}"), *(Text(cell(candidate)) for candidate in candidates))

    codes = list(dict.fromkeys(code for candidate in choice.candidates for code in candidate.languages))
    for heading, shown in (("bits per byte ↓ (95 %)", _bits), ("tokens a word ↓", _fertility)):
        rendered.add_row(Text(heading, "bold"))
        for code in codes:
            row(names.get(code, code), lambda one, code=code, shown=shown: shown(one.languages.get(code)))  # type: ignore[misc]
    rendered.add_row(Text(f"training, GiB of {choice.card}", "bold"))
    row("parameters", lambda one: f"{one.parameters / 1e6:,.0f}M" if one.parameters else "–")
    row("computed", lambda one: one.training)
    row("full", lambda one: _fit(one.full))
    row("adapters", lambda one: _fit(one.adapter))
    rendered.add_row(Text("licence", "bold"))
    row("base model", lambda one: one.license or "–")
    row("with this text", lambda one: one.result_license or "–")
    row("asks", lambda one: ", ".join(one.asks) or "–")
    row("may be used", lambda one: "–" if not one.license else "no, see below" if one.objection else "yes")
    return rendered


def _bits(score: LanguageScore | None) -> str:
    return f"{score.bits_per_byte:.3f} ({score.low:.2f}-{score.high:.2f})" if score else "–"


def _fertility(score: LanguageScore | None) -> str:
    return f"{score.tokens_per_word:.2f}" if score else "–"


def _fit(fit: Fit | None) -> str:
    if fit is None:
        return "–"
    return f"{'fits' if fit.fits else 'no'}: {fit.needed_gib:.1f} of {fit.available_gib:.1f}"
