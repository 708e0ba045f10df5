"""The columns that a source wants of a table, by name or by number, and what is said where they are not there."""

from collections.abc import Iterable
from dataclasses import dataclass

from llimba.data_files.faults import shortened
from llimba.errors import StageError

COLUMNS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written, where its name does not say it."""

    names: tuple[str, ...] = ()  # csv, tsv without a header line: the columns
    separator: str = ""  # csv, tsv; empty: a tab after .tsv, else the first of comma, semicolon and tab that fits
    quote: str | None = None  # csv, tsv; "" for none; None: none between tabs, else "
    skipped_lines: int = 0  # csv, tsv: before the header or the first row
    field: str = ""  # json: the key that holds the rows, in a file that is one object


USUAL = Dialect()


@dataclass(frozen=True, slots=True)
class Columns:
    """What is asked of a table; `key` is where the recipe says it, empty where rows are taken as they are."""

    wanted: tuple[str | int, ...] = ()  # names, or numbers from 1 on: then the table has no header line
    key: str = ""

    @property
    def numbered(self) -> bool:
        """Whether columns are asked for by number; rows then have them as text: "1", "2"."""
        return any(isinstance(column, int) for column in self.wanted)

    def missing(self, row: Iterable[str]) -> str:
        """The first column that is not in a row, or an empty text."""
        there = set(row)
        return next((str(column) for column in self.wanted if str(column) not in there), "")

    def reason(self, missing: str, row: Iterable[str]) -> str:
        """What is wrong with a row, or with a whole table, that lacks a column."""
        names = list(row)
        shown = ", ".join(map(shortened, names[:COLUMNS_SHOWN])) + (", ..." if len(names) > COLUMNS_SHOWN else "")
        return f"no column '{shortened(missing)}': its columns are {shown}. Name the right one in the recipe"

    def absent(self, path: object, missing: str, row: Iterable[str]) -> StageError:
        """The error for a table that the recipe names and that lacks a column altogether."""
        return StageError(
            f"{self.key}: {path} has {self.reason(missing, row)}; where it has no header line, number "
            "them from 1 on, or list them under names."
        )
