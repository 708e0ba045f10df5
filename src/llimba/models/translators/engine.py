"""What a machine-translation engine is to the stages that ask it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

Identity = dict[str, object]  # what decides an engine's output, as JSON


class Translation(NamedTuple):
    """One translated sentence."""

    text: str
    unknown: int = 0  # words that the engine did not know; rule-based engines say so, neural ones do not


class Engine(Protocol):
    """Translates sentences; `identity` is everything that decides its output."""

    name: str  # for the rows' `engine`
    identity: Identity
    batch: int  # the most sentences a call

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """One translation a sentence, in order."""
        ...


def translate_all(engine: Engine, sentences: Sequence[str]) -> list[Translation]:
    """One translation a sentence, in calls of at most `engine.batch`."""
    starts = range(0, len(sentences), engine.batch)
    return [made for start in starts for made in engine.translate(sentences[start : start + engine.batch])]
