"""CSV and TSV files, row by row, where one broken row costs one row.

Python's csv reads; it has no idea where the next row begins after a stray quote, and takes the rest of the file for one
cell. Lines are therefore given back to it after a row that is none, and read again one by one. Neither pandas, nor
pyarrow, nor polars do that: they stop, or skip in silence.
"""

import csv
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

from llimba.manifest import Json
from llimba.stages.sources import bounded
from llimba.stages.sources.bounded import File
from llimba.stages.sources.columns import Columns, Dialect
from llimba.stages.sources.intake import Intake

ROW_LINES = 20_000  # of a cell that goes over line ends
DELIMITERS = ",;\t"  # of a .csv: spreadsheets write semicolons where the comma is the decimal sign
EVIDENCE = 6  # delimiters at the right places inside a quoted cell that say it is rows
PEEKED = 64  # lines that say how many fields a table without a header has
Line = tuple[int, str]


def rows(path: File, tabs: bool, dialect: Dialect, columns: Columns, intake: Intake) -> Iterator[tuple[int, Json]]:
    """(number of its last line, row) of every row. Tabs separate without quotes, as in the field's TSV."""
    return _Table(path, _Lines(path, dialect.skipped_lines, intake), tabs, dialect, columns, intake).rows()


class _Lines:
    """The lines of a file, as csv wants them; those of the row at hand can be given back."""

    def __init__(self, path: File, skipped: int, intake: Intake) -> None:
        self._lines = self._read(path, skipped, intake)
        self._ahead = deque[Line]()
        self.taken: list[Line] = []  # since the last row
        self._size = self.number = 0

    @staticmethod
    def _read(path: File, skipped: int, intake: Intake) -> Iterator[Line]:
        number = 0
        try:
            for number, line in bounded.raw_lines(path, intake):
                if number <= skipped:
                    continue
                if line is None:
                    intake.quarantine(path, f"line {number}", bounded.too_long())
                else:  # a byte that is not UTF-8 becomes a surrogate, which sets its row apart
                    text = line.decode("utf-8", "surrogateescape")
                    yield number, text.removeprefix("\ufeff") if number == 1 else text
        except bounded.broken() as error:
            intake.quarantine(path, f"after line {number}", bounded.reason_of(error), rows=bounded.rows_of(error))

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.taken) >= ROW_LINES or self._size > bounded.LINE_BYTES:
            raise StopIteration  # csv says that the quote is not closed
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self.taken.append(line)
        self._size += len(line[1])
        self.number = line[0]
        return line[1] + "\n"

    def forget(self) -> None:
        """A row begins."""
        self.taken.clear()
        self._size = 0

    def give_back(self) -> None:
        """All lines of the row but its first one come again."""
        self._ahead.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    def peek(self) -> list[str]:
        """The next lines, which come again."""
        self._ahead.extend(islice(self._lines, PEEKED - len(self._ahead)))
        return [text for _, text in self._ahead]


class _Table:
    """The rows of one file."""

    def __init__(
        self, path: File, lines: _Lines, tabs: bool, dialect: Dialect, columns: Columns, intake: Intake
    ) -> None:
        self._path, self._lines, self._columns, self._intake = path, lines, columns, intake
        self._dialect, self._delimiter = dialect, dialect.separator or ("\t" if tabs else "")
        self._quote = dialect.quote if dialect.quote is not None else "" if tabs else '"'
        self._names: list[str] = []
        csv.field_size_limit(bounded.LINE_BYTES)

    def rows(self) -> Iterator[tuple[int, Json]]:
        first = self._lines.peek()
        if not first:
            return
        self._delimiter = self._delimiter or self._delimiter_of(first[0])
        if not self._settle_names(first):
            return
        for number, fields in self._fields():
            if not self._count(fields):
                expected = "the names given" if self._dialect.names else "the header"
                reason = f"another number of fields than {expected}: {', '.join(self._names)}"
                self._intake.quarantine(self._path, f"line {number}", reason, self._delimiter.join(fields))
                continue
            yield number, dict(zip(self._names, fields, strict=False))

    def _settle_names(self, first: list[str]) -> bool:
        """Learn the columns' names; False where the file cannot be read, which is said."""
        columns = self._columns
        if columns.numbered or self._dialect.names:
            usual = Counter(len(fields) for line in first if (fields := self._alone(line))).most_common(1)
            self._names = list(self._dialect.names) or [str(n + 1) for n in range(usual[0][0] if usual else 0)]
            header = self._names
        else:
            try:
                header = next(filter(None, self._reader()), [])
            except csv.Error as error:
                self._lines.give_back()
                self._lost(f"broken header: {error}")
                return False
            self._lines.forget()
            if not header:  # blank lines alone
                return False
            self._names = header
        double = [name for name, times in Counter(header).items() if times > 1 and name]
        if double:
            self._lost(f"columns of the same name: {', '.join(double)}")
            return False
        if missing := columns.missing(header):
            if columns.key:
                raise columns.absent(self._path, missing, header)
            self._lost(columns.reason(missing, header))
            return False
        return True

    def _fields(self) -> Iterator[tuple[int, list[str]]]:
        """(line number, fields) of every row that csv can read, whatever their number."""
        reader = self._reader()
        while True:
            self._lines.forget()
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._bad_line(f"broken row: {error}")
                reader = self._reader()
                continue
            if len(self._lines.taken) > 1 and self._ran_away(fields):
                self._bad_line("broken row: a quote that is not closed in its row")
                reader = self._reader()
            elif fields:
                yield self._lines.number, fields

    def _bad_line(self, reason: str) -> None:
        """The first line of the row at hand is no row; those after it may be."""
        self._lines.give_back()
        number, text = self._lines.taken[0]
        self._intake.quarantine(self._path, f"line {number}", reason, text)

    def _ran_away(self, fields: list[str]) -> bool:
        """Whether a row over several lines is a row with a stray quote, and the rows after it."""
        inner = [text for _, text in self._lines.taken[1:-1]]
        if self._count(fields):
            evidence = len(inner) * (len(self._names) - 1)
            return evidence >= EVIDENCE and all(self._count(self._alone(text)) for text in inner)
        after = (text for _, text in self._lines.taken[1:])
        return len(self._names) > 1 and any(self._count(self._alone(text)) for text in after)

    def _count(self, fields: list[str]) -> bool:
        return len(fields) == len(self._names)

    def _lost(self, reason: str) -> None:
        """The whole file is lost, all its rows counted."""
        self._lines.forget()
        lost = 0
        for text in iter(lambda: next(self._lines, None), None):
            lost += bool(text.strip())
            self._lines.forget()
        self._intake.quarantine(self._path, "", reason, rows=max(1, lost))

    def _delimiter_of(self, header: str) -> str:
        wanted = {column for column in self._columns.wanted if isinstance(column, str)}
        if wanted and not self._dialect.names:
            for delimiter in DELIMITERS:
                if wanted <= set(self._alone(header, delimiter)):
                    return delimiter
        return max(DELIMITERS, key=header.count)

    def _alone(self, line: str, delimiter: str = "") -> list[str]:
        """The fields of a line by itself."""
        try:
            return next(self._csv([line], delimiter or self._delimiter, strict=False), [])
        except csv.Error:
            return []

    def _reader(self) -> Iterator[list[str]]:
        return self._csv(self._lines, self._delimiter, strict=True)

    def _csv(self, lines: Iterable[str], delimiter: str, strict: bool) -> Iterator[list[str]]:
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self._quote else csv.QUOTE_NONE
        return csv.reader(lines, delimiter=delimiter, quotechar=self._quote or None, quoting=quoting, strict=strict)
