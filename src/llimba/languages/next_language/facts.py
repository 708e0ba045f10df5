"""What is known of a language before anybody has written a line about it: codes, names, letters, relatives, Wikipedias.

`languages/tables/languages.tsv` says it (CLDR, FLORES, Wikipedia; its head names each source), and `langcodes`, which
carries CLDR's names of languages in languages. Nothing here knows any language itself.
"""

from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from llimba.data_files.tables import read_tsv
from llimba.errors import RecipeError
from llimba.languages.profile import TABLES

TABLE = TABLES / "languages.tsv"
# A Wikipedia is large enough to replay from, and written by people, from this many articles and active editors on.
LARGE_ARTICLES, LARGE_EDITORS = 100_000, 200
MOST_REPLAYED = 4
MOST_NEIGHBOURS = 10
ENGLISH = "en"  # the language of evaluation prompts and of most base models, so it is always replayed


class Replay(NamedTuple):
    """A language that must not be forgotten, and why it was chosen."""

    code: str
    reason: str


class Facts(NamedTuple):
    """One language; a field that no source knows is empty."""

    code: str  # BCP 47, the shortest
    iso639_3: str
    script: str  # ISO 15924, e.g. Latn
    territory: str  # ISO 3166, where most of its speakers live
    flores: str
    wikipedia: str
    articles: int
    letters: str
    replay: tuple[Replay, ...]
    neighbours: tuple[str, ...]


def facts(asked: str) -> Facts:
    """Facts of a language by BCP 47 code, ISO 639-3 code or English name; raises `RecipeError` where it is unknown."""
    rows = _rows()
    code = _code(asked, rows)
    row = rows[code]
    replay = _replay(code, rows)
    as_they_are = {key: row[key] for key in ("iso639_3", "script", "territory", "flores", "wikipedia", "letters")}
    neighbours = _neighbours(code, rows, replay)
    return Facts(code, articles=int(row["articles"] or 0), replay=replay, neighbours=neighbours, **as_they_are)


def name(code: str, in_language: str) -> str:
    """CLDR's name of a language in another one; the English name where CLDR has none."""
    from langcodes import Language

    return str(Language.get(code).language_name(in_language))


def own_name(code: str) -> str:
    """What a language calls itself, or its English name."""
    from langcodes import Language

    return str(Language.get(code).autonym())


@lru_cache
def _rows() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in read_tsv(TABLE)}


def _code(asked: str, rows: dict[str, dict[str, str]]) -> str:
    """The table's code for what somebody typed."""
    by_other = {row["iso639_3"]: code for code, row in reversed(rows.items())}
    by_other |= {row["wikipedia"]: code for code, row in rows.items()}
    by_name = {name(code, ENGLISH).casefold(): code for code in rows}
    for table in ({code: code for code in rows}, by_other, by_name):
        if found := table.get(asked) or table.get(asked.casefold()):
            return found
    near = get_close_matches(asked.casefold(), [*rows, *by_name], n=3)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise RecipeError(
        f"new {asked}: no such language in llimba's table ({len(rows)} languages).{hint} Give its ISO 639 code; for a "
        "language that the table lacks, copy a profile and name the file in the recipe (docs/a-new-language.md)."
    )


def _large(row: dict[str, str]) -> bool:
    return int(row["articles"] or 0) >= LARGE_ARTICLES and int(row["editors"] or 0) >= LARGE_EDITORS


def _replay(code: str, rows: dict[str, dict[str, str]]) -> tuple[Replay, ...]:
    """Relatives and neighbours in space with large Wikipedias, those that are both first; English last."""
    found: list[tuple[int, int, int, Replay]] = []
    row, contact = rows[code], rows[code]["contact"].split()
    for other, about in rows.items():
        related = bool(row["group"]) and about["group"] == row["group"]
        spoken = other in contact
        if other == code or not _large(about) or not (related or spoken) or about["script"] != row["script"]:
            continue
        reasons = [f"spoken beside it in {row['territory']}"] if spoken else []
        reasons += [f"a relative (ISO 639-5 group {row['group']})"] if related else []
        reasons.append(f"Wikipedia with {int(about['articles']):,} articles")
        reply = Replay(other, f"{name(other, ENGLISH)}: {', '.join(reasons)}")
        if other != ENGLISH:
            how_much = -contact.index(other) if spoken else 0
            found.append((related + spoken, how_much, int(about["articles"]), reply))
    found.sort(key=lambda entry: entry[:3], reverse=True)
    english = Replay(ENGLISH, f"{name(ENGLISH, ENGLISH)}: what most base models know best is forgotten first")
    return (*(entry[3] for entry in found[:MOST_REPLAYED]), *([english] if code != ENGLISH else []))


def _neighbours(code: str, rows: dict[str, dict[str, str]], replay: tuple[Replay, ...]) -> tuple[str, ...]:
    """Languages that it is mistaken for: relatives in replay and at home first, then the other relatives replayed."""
    row = rows[code]

    def related(other: str) -> bool:
        return bool(row["group"]) and rows[other]["group"] == row["group"]

    replayed = [entry.code for entry in replay if entry.code in rows and entry.code != ENGLISH]
    contact = [other for other in replayed if other in row["contact"].split()]
    home = [
        other
        for other, about in rows.items()
        if other != code and related(other) and about["territory"] == row["territory"]
        if about["script"] == row["script"]
        if about["wikipedia"] or about["flores"]
    ]
    home.sort(key=lambda other: -int(rows[other]["articles"] or 0))
    return tuple(dict.fromkeys([*contact[:1], *home, *replayed]))[:MOST_NEIGHBOURS]
