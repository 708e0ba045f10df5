"""Records out of a data set of the hub: documents, pairs (a column a language, or a row a language), conversations."""

from collections.abc import Iterator
from contextlib import suppress

from llimba.languages.codes import Codes
from llimba.recipe import HubSource, Join
from llimba.records import Record
from llimba.stages.sources.hub.dataset import find
from llimba.stages.sources.hub.fields import Languages, key_at, sample, text_at
from llimba.stages.sources.hub.first_look import Look, mapped
from llimba.stages.sources.hub.join import Joiner
from llimba.stages.sources.hub.parts import Part, Row, parts_of
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.messages import messages_of
from llimba.stages.sources.unsafe import Unsafe

FEWER = "fewer than two languages"


def load(source: HubSource, intake: Intake) -> Iterator[Record]:
    """The records of a data set, the columns found by the recipe's names or by the languages'.

    Raises `StageError` before anything is downloaded where the first rows do not fit, `Unavailable` where the hub
    doesn't give what is asked for.
    """
    data = find(source, intake.key("dataset"))
    intake.revision = data.commit
    parts = parts_of(source, data, intake)
    yield from Reading(source, parts, intake).records()


class Reading:
    """One source being read."""

    def __init__(self, source: HubSource, parts: list[Part], intake: Intake) -> None:
        self._source, self._parts, self._intake = source, parts, intake
        self._codes = Codes(intake.profile, source.languages)
        self._join = source.join or (Join() if source.yields == "pairs" and source.subsets else None)
        self._label = parts[0].data.label
        self._looks = [Look(source, part, self._codes, intake) for part in parts]
        if "id" in source.columns:
            for look in self._looks:
                look.column("columns", source.columns["id"], "columns: {id: NAME}")

    def records(self) -> Iterator[Record]:
        """The records of all parts."""
        if self._source.yields == "documents":
            return self._documents()
        if self._source.yields == "conversations":
            return self._conversations()
        return self._pairs() if self._join is None else self._joined(self._join)

    def _documents(self) -> Iterator[Record]:
        column, language_column = self._column("text"), self._column("language")
        for part, look in zip(self._parts, self._looks, strict=True):
            look.text("columns", column, "columns: {text: NAME}")
            if part.language is None:
                look.languages("columns", [language_column])
        for part in self._parts:
            languages = Languages([language_column], part.layout.labels, self._codes, self._intake)
            for number, row in enumerate(part.rows(self._intake, self._few)):
                try:
                    text = text_at(row.values, column)
                    if text is None:
                        self._intake.skip("no text")
                        continue
                    language = part.language or languages.of(row.values)
                except Unsafe as error:
                    self._set_aside(row, error)
                    continue
                if language is not None:
                    name = self._identifier(part, row, number)
                    yield self._intake.document(name, text, language, f"{self._label}:{row.place}")

    def _conversations(self) -> Iterator[Record]:
        for look in self._looks:
            look.conversations()
        for part in self._parts:
            for number, row in enumerate(part.rows(self._intake, self._few)):
                try:
                    turns = messages_of(
                        mapped(self._source, row.values), f"{self._intake.key('columns')}: {self._label}, {row.place}"
                    )
                except Unsafe as error:
                    self._set_aside(row, error)
                    continue
                name = self._identifier(part, row, number)
                yield self._intake.conversation(name, turns, f"{self._label}:{row.place}")

    def _pairs(self) -> Iterator[Record]:
        (part,), (look,) = self._parts, self._looks
        sides = look.sides()
        for number, row in enumerate(part.rows(self._intake, self._few)):
            texts: dict[str, str] = {}
            try:
                for code, column in sides.items():
                    text = text_at(row.values, column)
                    if text is None:
                        self._intake.skip(f"no text in {code}")
                    else:
                        texts[code] = text
            except Unsafe as error:
                self._set_aside(row, error)
                continue
            if len(texts) < 2:
                self._intake.skip(FEWER)
                continue
            name = self._identifier(part, row, number)
            yield self._intake.pair(name, texts, str(number), f"{self._label}:{row.place}")

    def _joined(self, join: Join) -> Iterator[Record]:
        wanted = set(self._source.pairs) or set(self._intake.profile.names)
        for part, look in zip(self._parts, self._looks, strict=True):
            look.column("join.key", join.key, "join: {key: NAME}")
            look.text("join.text", join.text, "join: {text: NAME}")
            if part.language is None:
                look.languages("join.language", join.languages)
        with Joiner() as joiner:
            for part in self._parts:
                languages = Languages(join.languages, part.layout.labels, self._codes, self._intake, wanted)
                for row in part.rows(self._intake, few=False):
                    try:
                        self._side(join, part, languages, row, joiner)
                    except Unsafe as error:
                        self._set_aside(row, error)
            for number, (key, texts, place) in enumerate(joiner.joined()):
                for code in sorted(joiner.languages - texts.keys()):
                    self._intake.skip(f"no row in {code} with this {join.key}")
                if len(texts) < 2:
                    self._intake.skip(FEWER)
                    continue
                yield self._intake.pair(key, texts, str(number), f"{self._label}:{place}")

    def _side(self, join: Join, part: Part, languages: Languages, row: Row, joiner: Joiner) -> None:
        code = part.language or languages.of(row.values)
        if code is None:
            return
        key, text = key_at(row.values, join.key), text_at(row.values, join.text)
        if key is None or text is None:
            self._intake.skip(f"no {join.key}" if key is None else f"no text in {code}")
            return
        try:
            if not joiner.add(key, code, text, row.place):
                self._intake.skip(f"another row in {code} with this {join.key}")
        except UnicodeEncodeError as error:
            raise Unsafe(f"not text: half a character (a lone surrogate) in column '{join.text}'") from error

    @property
    def _few(self) -> bool:
        return self._source.max_documents is not None

    def _column(self, field: str) -> str:
        return self._source.columns.get(field, field)

    def _identifier(self, part: Part, row: Row, number: int) -> str:
        """The row's own, or its number; several parts may have the same ones."""
        own = None
        with suppress(Unsafe):
            own = key_at(row.values, self._column("id"))
        name = own if own is not None else str(number)
        return name if len(self._parts) == 1 else f"{part.subset}:{name}"

    def _set_aside(self, row: Row, error: Unsafe) -> None:
        self._intake.quarantine(self._label, row.place, str(error), sample(row.values))
