"""Rows of one language each, joined by their key on disk, so that memory doesn't grow with the set.

SQLite holds them in a temporary file of its own. pandas and polars join in memory; pyarrow's join doesn't keep the
order of the rows, which is that of the articles they come from.
"""

import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple


class Joined(NamedTuple):
    """One key and its texts by language code; `place` is where the first of them was read."""

    key: str
    texts: dict[str, str]
    place: str


class Joiner:
    """Takes rows in any order and gives them back by key, in the order in which the keys came first."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # "": a file that is deleted on closing
        self._database.executescript(
            "pragma journal_mode = off; pragma synchronous = off;"
            "create table side (key text, language text, text text, place text, number integer,"
            " primary key (key, language)) without rowid;"
            "begin;"
        )
        self._number = 0
        self.languages: set[str] = set()

    def add(self, key: str, language: str, text: str, place: str) -> bool:
        """Take a row; False where this key has a text in this language already, and the first one stays."""
        self._number += 1
        self.languages.add(language)
        added = self._database.execute(
            "insert or ignore into side values (?, ?, ?, ?, ?)", (key, language, text, place, self._number)
        )
        return added.rowcount == 1

    def joined(self) -> Iterator[Joined]:
        """Every key, with one language or more."""
        query = (
            "select side.key, side.language, side.text, side.place from side"
            " join (select key, min(number) as first from side group by key) as firsts on firsts.key = side.key"
            " order by firsts.first, side.number"
        )
        held: Joined | None = None
        for key, language, text, place in self._database.execute(query):
            if held is None or held.key != key:
                if held is not None:
                    yield held
                held = Joined(key, {}, place)
            held.texts[language] = text
        if held is not None:
            yield held

    def __enter__(self) -> "Joiner":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
