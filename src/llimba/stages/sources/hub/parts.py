"""The subsets that a source reads, and their rows: the first few for a look, then all of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from llimba.manifest import Json
from llimba.recipe import HubSource
from llimba.stages.sources import bounded, tables
from llimba.stages.sources.bounded import File
from llimba.stages.sources.hub.dataset import DataSet
from llimba.stages.sources.hub.fields import unfolded
from llimba.stages.sources.hub.layout import Layout, find_layout
from llimba.stages.sources.intake import Intake

FIRST = 20  # rows that are looked at
WHOLE = 64 * 2**20  # bytes: a file up to here is downloaded where only its first rows are asked for, and so kept


class Row(NamedTuple):
    """One row, and where it was read."""

    place: str  # file:line, or file:row
    values: Json


@dataclass(frozen=True, slots=True)
class Part:
    """One subset's split."""

    data: DataSet
    layout: Layout
    subset: str | None
    language: str | None  # of all its rows, where the recipe says it

    def first(self, intake: Intake) -> list[Row]:
        """The first rows that can be read, without downloading the files; broken ones are left for `rows`."""
        unheard = replace(
            intake, quarantine_file=None, skipped=type(intake.skipped)(), quarantined=type(intake.skipped)()
        )
        for file in self.layout.files:
            if found := list(islice(self._read(file, self.data.streamed(file), unheard), FIRST)):
                return found
        return []

    def rows(self, intake: Intake, few: bool) -> Iterator[Row]:
        """Every row; broken ones go into quarantine. `few`: of large files no more is downloaded than is read."""
        if not few:
            for file in self.layout.files:
                self.data.fetched(file)
        for file in self.layout.files:
            small = self.data.sizes.get(file, 0) <= WHOLE
            opened: File = self.data.streamed(file) if few and not small else self.data.fetched(file)
            yield from self._read(file, opened, intake)

    @property
    def is_table(self) -> bool:
        """Whether its files may lack a header line."""
        return any(bounded.kind_of(Path(file)) in (".csv", ".tsv") for file in self.layout.files)

    def _read(self, name: str, file: File, intake: Intake) -> Iterator[Row]:
        if bounded.kind_of(file) == ".txt":
            for number, line in bounded.lines(file, intake):
                yield Row(f"{name}:{number}", {"text": line})
            return
        for number, row in tables.rows(file, intake, self.layout.dialect):
            yield Row(f"{name}:{number}", unfolded(row))


def parts_of(source: HubSource, data: DataSet, intake: Intake) -> list[Part]:
    """A part for each subset of the recipe, or the one subset."""
    asked: list[tuple[str | None, str | None]] = [*source.subsets.items()] or [(source.language, source.subset)]
    key = intake.key("subsets" if source.subsets else "dataset")
    parts = [(find_layout(data, subset, source.split, key, source.names), subset, code) for code, subset in asked]
    return [Part(data, layout, subset, code) for layout, subset, code in parts]
