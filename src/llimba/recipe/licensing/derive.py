"""From the licences of base model and training text to that of the model, and what must be said aloud on the way."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from llimba.data_files.tables import read_tsv
from llimba.recipe.licensing.terms import RESTRICTED, Terms, terms

BASE_MODELS = Path(__file__).parent / "base_models.tsv"


class Part(NamedTuple):
    """One thing that the model is made of: what it is for people, and its terms."""

    what: str
    terms: Terms


class Derived(NamedTuple):
    """The licence that the parts ask for: that of the most restrictive, and everything that any of them asks."""

    terms: Terms
    because: str  # the part that decided
    asks: tuple[str, ...]
    parts: tuple[Part, ...]
    difference: str = ""  # between the licence declared for the base model and the one its authors publish


def derive(models: Sequence[tuple[str, str]], sources: Iterable[tuple[str, str]]) -> Derived:
    """Derive from name and declared licence of the base model (first) and of those it was itself made from, and of
    every source trained on.

    Where the declared licence is not the one in `base_models.tsv`, the more restrictive of the two counts and both are
    named.
    """
    bases, differences = zip(*(_base(*model) for model in models), strict=True)
    difference = "; ".join(filter(None, differences))
    parts = [*bases, *(Part(f"source {name}", terms(license)) for name, license in sources)]
    strictest = max(parts, key=lambda part: part.terms.rank)  # the first of equals
    asks = tuple(dict.fromkeys(ask for part in parts for ask in part.terms.asks))
    return Derived(strictest.terms, strictest.what, asks, tuple(parts), difference)


def _base(name: str, license: str) -> tuple[Part, str]:
    """A base model as a part, and how its declared licence differs from the published one, if it does."""
    declared, published = terms(license), known_base(name) or terms(license)
    if published.license == declared.license:
        return Part(f"base model {name}", declared), ""
    difference = f"declared {license}, published as {published.license}"
    return Part(f"base model {name} ({difference})", max(declared, published, key=lambda of: of.rank)), difference


def known_base(name: str) -> Terms | None:
    """The terms that a base model's authors publish it under; None where the table does not have it."""
    return next((terms(row["license"]) for row in read_tsv(BASE_MODELS) if fnmatchcase(name, row["pattern"])), None)


def conflict(derived: Derived, declared: str | None) -> str | None:
    """Why the declared licence (None: none is) does not do, as a sentence for people; None where it does."""
    asked = ", ".join(derived.terms.asks) or "nothing"
    because = f"{derived.because} is {derived.terms.license} ({asked})"
    if declared is not None:
        said = terms(declared)
        if said.rank < derived.terms.rank:
            return f"the model is declared {declared}, but {because}"
        if not_said := [ask for ask in ("non-commercial", "no-derivatives") if ask in derived.asks]:
            missing = [ask for ask in not_said if ask not in said.asks and said.rank < 8]
            if missing:
                return f"the model is declared {declared}, but part of it is {missing[0]}: {because}"
        return None
    if derived.terms.rank >= RESTRICTED:
        return f"what the model may be used for is restricted: {because}"
    return None


def license_rows(parts: Sequence[Part]) -> list[tuple[str, str, str]]:
    """Rows for people: what, licence, what it asks."""
    return [(part.what, part.terms.license, ", ".join(part.terms.asks) or "nothing") for part in parts]
