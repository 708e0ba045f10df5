"""A look at the first rows, before anything is downloaded whole: are the columns there, do they hold what is expected?

What this refuses would go wrong in every row. A row that is wrong by itself is left for quarantine.
"""

from collections.abc import Sequence

from llimba.errors import StageError
from llimba.languages.codes import Codes
from llimba.manifest import Json
from llimba.recipe import HubSource
from llimba.stages.sources.hub.fields import Languages, columns_of, has, language_columns, sample, text_at
from llimba.stages.sources.hub.parts import Part
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.messages import messages_of
from llimba.stages.sources.unsafe import Unsafe


class Look:
    """The first rows of one part, and what is asked of them."""

    def __init__(self, source: HubSource, part: Part, codes: Codes, intake: Intake) -> None:
        self._source, self._codes, self._intake = source, codes, intake
        self.rows: list[Json] = [row.values for row in part.first(intake)]
        self._columns = columns_of(self.rows)
        self._name = source.dataset + (f" ({part.subset})" if part.subset else "")
        self._names = " Without a header line, give names: [...]." if part.is_table and not source.names else ""
        self._labels = part.layout.labels

    def column(self, key: str, column: str, example: str) -> None:
        """The column is there; `key` is the setting that names it, `example` says how to set another."""
        if self.rows and not any(has(row, column) for row in self.rows):
            raise StageError(
                f"{self._intake.key(key)}: {self._name} has no column '{column}' (columns: {self._listed}). Name it, "
                f"e.g. {example}.{self._names} The first row: {sample(self.rows[0])}"
            )

    def text(self, key: str, column: str, example: str) -> None:
        """The column is there and holds text."""
        self.column(key, column, example)
        faults = []
        for row in self.rows:
            try:
                text_at(row, column)
            except Unsafe as error:
                faults.append(str(error))
        if faults and len(faults) == len(self.rows):
            raise StageError(
                f"{self._intake.key(key)}: {self._name}: {faults[0]}. Name a column of text, or a path into this one: "
                f"{example.replace('NAME', f'{column}.NAME')}. The first row: {sample(self.rows[0])}"
            )

    def languages(self, key: str, columns: Sequence[str]) -> None:
        """The columns say languages; other languages than the profile's may come first, and are no fault."""
        for column in columns:
            self.column(key, column, f"{key}: NAME" if key != "columns" else "columns: {language: NAME}")
        reading = Languages([*columns], self._labels, self._codes, self._intake)
        found: dict[str, None] = {}
        for row in self.rows:
            try:
                found[reading.value(row)] = None
            except Unsafe as error:
                raise StageError(f"{self._intake.key(key)}: {self._name}: {error}.") from error
        if self.rows and not any(self._codes.is_language(value) for value in found):
            values = ", ".join(f"'{value[:40]}'" for value in list(found)[:8])
            code = self._intake.profile.code
            raise StageError(
                f"{self._intake.key(key)}: the column {'_'.join(columns)} of {self._name} holds {values}: no language "
                f"that is known (columns: {self._listed}). Name another column, or say what its values mean: "
                f"languages: {{{next(iter(found))[:40] or 'VALUE'}: {code}}}."
            )

    def sides(self) -> dict[str, str]:
        """Language code -> its column, of a set with a column a language; two or more."""
        source, profile = self._source, self._intake.profile
        wanted = source.pairs or [*profile.names]
        stated = {code: column for code, column in source.columns.items() if code in profile.names}
        for code, column in stated.items():
            self.text("columns", column, f"columns: {{{code}: NAME}}")
        found = language_columns((column for column in self._columns if column not in stated.values()), self._codes)
        for code, columns in found.items():
            if len(columns) > 1 and code in wanted and code not in stated:
                raise StageError(
                    f"{self._intake.key('columns')}: {self._name} has several columns for '{code}' "
                    f"({', '.join(columns)}). Choose one: columns: {{{code}: {columns[0]}}}."
                )
        sides = {code: column for code, (column, *_) in found.items()} | stated
        chosen = {code: sides[code] for code in wanted if code in sides}
        missing = [code for code in source.pairs if code not in sides]
        if self.rows and (len(chosen) < 2 or missing):
            lacks = f"no column for {', '.join(missing)}" if missing else "fewer than two language columns"
            raise StageError(
                f"{self._intake.key('columns')}: {self._name} has {lacks} (columns: {self._listed}). Map them, e.g. "
                f"columns: {{{profile.code}: sentence_{profile.flores or profile.iso639_3}}}; or, where a row holds "
                f"one language, join: {{key: id, language: NAME, text: NAME}}.{self._names} The first row: "
                f"{sample(self.rows[0])}"
            )
        for column in chosen.values():
            self.text("columns", column, "columns: {CODE: NAME}")
        return chosen

    def conversations(self) -> None:
        """One row in the first few, at least, is a conversation."""
        fault = ""
        for row in self.rows:
            try:
                messages_of(mapped(self._source, row), self._name)
                return
            except Unsafe as error:
                fault = fault or str(error)
        if self.rows:
            raise StageError(f"{self._intake.key('columns')}: {fault} The first row: {sample(self.rows[0])}")

    @property
    def _listed(self) -> str:
        return ", ".join(column[:60] for column in self._columns[:40]) or "none"


def mapped(source: HubSource, row: Json) -> Json:
    """The row with our names for the columns that the recipe maps."""
    return row | {field: row[column] for field, column in source.columns.items() if column in row}
