"""A row's fields: columns by name or path (`translation.sc`), text that is text, a language that the profile knows."""

import json
from collections.abc import Container, Iterable, Iterator

from llimba.languages.codes import Codes
from llimba.manifest import Json
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.unsafe import Unsafe

NESTED = ("translation", "translations")  # columns whose inner names are languages, as `datasets` and OPUS have them
BEFORE = ("sentence_", "text_", "translation_")  # what may stand before a language in a column's name
MOST_LANGUAGES = 100  # counted by name; more is no column of languages


def at(row: Json, column: str) -> object:
    """What a column holds, or what lies at a path inside one; None where there is nothing."""
    if column in row:
        return row[column]
    held: object = row
    for step in column.split("."):
        held = held.get(step) if isinstance(held, dict) else None
    return held


def has(row: Json, column: str) -> bool:
    """Whether the row has the column, be it empty."""
    outer, _, inner = column.rpartition(".")
    held = at(row, outer) if outer else row
    return column in row or (isinstance(held, dict) and inner in held)


def text_at(row: Json, column: str) -> str | None:
    """The text of a column; None where it holds none (null, only white space). Raises `Unsafe` for anything else."""
    value = at(row, column)
    if value is None or (isinstance(value, float) and value != value):  # pandas writes a missing text as NaN
        return None
    if isinstance(value, dict | list):
        inside = f" with {', '.join(map(str, value))}"[:100] if isinstance(value, dict) else ""
        raise Unsafe(f"nested value: column '{column}' holds a {type(value).__name__}{inside}, where text belongs")
    if not isinstance(value, str):
        raise Unsafe(f"wrong type: column '{column}' holds {type(value).__name__} ({value!s:.40}), where text belongs")
    return value if value.strip() else None


def key_at(row: Json, column: str) -> str | None:
    """What identifies a row: text or a whole number; None where there is none. Raises `Unsafe` for anything else."""
    value = at(row, column)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_at(row, column)


def unfolded(row: Json) -> Json:
    """The row, with `{"language": [...], "translation": [...]}` of `datasets` as a text for each language."""
    for name in NESTED:
        held = row.get(name)
        if isinstance(held, dict) and isinstance(held.get("language"), list) and isinstance(held.get(name), list):
            # a language may come several times: the first counts
            pairs = zip(reversed(held["language"]), reversed(held[name]), strict=False)
            return row | {name: {str(language): text for language, text in pairs}}
    return row


def columns_of(rows: Iterable[Json]) -> list[str]:
    """Every column of some rows, and the paths inside those that hold translations."""
    found: dict[str, None] = {}
    for row in rows:
        for name, value in row.items():
            if name in NESTED and isinstance(value, dict):
                found |= {f"{name}.{inner}": None for inner in value}
            else:
                found[name] = None
    return list(found)


def language_columns(columns: Iterable[str], codes: Codes) -> dict[str, list[str]]:
    """Language code -> the columns whose names say that language; the code itself before other spellings."""
    found: dict[str, list[str]] = {}
    for column in columns:
        name = column.rpartition(".")[2]
        for before in BEFORE:
            name = name.removeprefix(before)
        if (code := codes.code(name)) is not None:
            found.setdefault(code, []).append(column)
    return {code: [code] if code in same else same for code, same in found.items()}


class Languages:
    """The language of a row, as its columns say; rows in others are counted, by what they say."""

    def __init__(
        self,
        columns: list[str],
        labels: dict[str, list[str]],
        codes: Codes,
        intake: Intake,
        wanted: Container[str] | None = None,
    ) -> None:
        """`labels`: the words of columns that hold numbers instead; `wanted`: the codes to keep, None for all."""
        self._columns, self._labels, self._codes, self._intake = columns, labels, codes, intake
        self._wanted = wanted
        self._others: set[str] = set()

    def value(self, row: Json) -> str:
        """What the columns say, joined with `_`; "" where one of them says nothing. Raises `Unsafe`."""
        return "_".join(parts) if all(parts := list(self._parts(row))) else ""

    def _parts(self, row: Json) -> Iterator[str]:
        for column in self._columns:
            value, words = at(row, column), self._labels.get(column, [])
            if words and isinstance(value, int) and 0 <= value < len(words):
                yield words[value]
            else:
                yield text_at(row, column) or ""

    def of(self, row: Json) -> str | None:
        """The profile's code; None (and counted) for another language. Raises `Unsafe` for what is no text."""
        value = self.value(row)
        code = self._codes.code(value)
        if code is None or (self._wanted is not None and code not in self._wanted):
            if value in self._others or len(self._others) < MOST_LANGUAGES:
                self._others.add(value)
                self._intake.skip(f"language: {value[:40]}" if value else "no language")
            else:
                self._intake.skip("other languages")
            return None
        return code


def sample(row: Json) -> str:
    """A row, short, for errors."""
    return json.dumps(row, ensure_ascii=False, default=str)[:200]
