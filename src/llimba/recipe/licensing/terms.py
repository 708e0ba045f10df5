"""What one licence asks: an SPDX expression or one of the hub's names, and how restrictive it is.

license-expression parses and knows the SPDX list; what it lacks, and why the table `licenses.tsv` is ours, is an order
from "do as you like" to "research only", and the licences of models.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from llimba.data_files.tables import read_tsv

TABLE = Path(__file__).parent / "licenses.tsv"
UNKNOWN = "unknown"
# from this rank on somebody must say that they know: no derivatives, not commercially, research, unknown
RESTRICTED = 5
CATEGORIES = {  # of license-expression's index, for licences that the table does not name
    "Public Domain": (0, ""),
    "Permissive": (1, "attribution"),
    "Copyleft Limited": (2, "attribution share-alike"),
    "Copyleft": (3, "attribution share-alike source"),
    "Free Restricted": (4, "use-policy"),
}


class Terms(NamedTuple):
    """A licence with its rank (`licenses.tsv` says what ranks mean) and what it asks, e.g. ("non-commercial",)."""

    license: str  # normalised
    rank: int
    asks: tuple[str, ...]
    hub: str  # what the hub calls it; "other" where it has no name for it
    link: str


def terms(expression: str) -> Terms:
    """Terms of a licence text. Of "A OR B" the less restrictive counts, of "A AND B" the more restrictive.

    What is no licence id that SPDX, the hub or the table knows is `unknown`, the most restrictive of all.
    """
    from license_expression import ExpressionError

    known = _table().get(expression.strip().casefold())
    if known is not None:
        return known
    try:
        parsed = _licensing().parse(expression, validate=False)
    except (ExpressionError, TypeError):
        return _unknown(expression)
    return _unknown(expression) if parsed is None else _of(parsed)


def _of(node: Any) -> Terms:
    """Terms of a node of a parsed expression."""
    kind = type(node).__name__
    if kind in ("OR", "AND"):
        choose = min if kind == "OR" else max
        return choose((_of(argument) for argument in node.args), key=lambda found: found.rank)
    if kind == "LicenseWithExceptionSymbol":
        return _of(node.license_symbol)
    return _table().get(str(node.key).casefold()) or _by_category(str(node.key)) or _unknown(str(node.key))


def _unknown(name: str) -> Terms:
    return _table()[UNKNOWN]._replace(license=name.strip() or UNKNOWN)


def _by_category(key: str) -> Terms | None:
    category = _categories().get(key.casefold())
    if category not in CATEGORIES:
        return None
    rank, asks = CATEGORIES[category]
    return Terms(key, rank, tuple(asks.split()), "other", f"https://spdx.org/licenses/{key}.html")


@lru_cache
def _table() -> dict[str, Terms]:
    """Every row of the table, by its id and by the hub's name for it, in lower case."""
    found: dict[str, Terms] = {}
    for row in read_tsv(TABLE):
        one = Terms(row["id"], int(row["rank"]), tuple(row["terms"].split()), row["hub"], row["link"])
        found[row["id"].casefold()] = one
        if row["hub"] != "other":
            found.setdefault(row["hub"], one)
    return found


@lru_cache
def _licensing() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


@lru_cache
def _categories() -> dict[str, str]:
    from license_expression import get_license_index

    return {
        str(key).casefold(): str(entry["category"])
        for entry in get_license_index()
        for key in (entry.get("spdx_license_key"), *entry.get("other_spdx_license_keys", []))
        if key and entry.get("category")
    }
