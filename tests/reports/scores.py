"""Scores for the tests of reports: the fixture, and ways to change it."""

from typing import Any

from llimba.reports.evaluated import EvaluatedFolder
from llimba.reports.scores import BitsPerByte, Score, Scores, Share, SystemScores, Translation
from tests import FIXTURES

SCORES = EvaluatedFolder(FIXTURES).scores()


def changed(scores: Scores, system: str, **fields: Any) -> Scores:
    """`scores` with other fields of one system, which may be a new one."""
    before = scores.systems.get(system, SystemScores())
    return scores.model_copy(update={"systems": {**scores.systems, system: before.model_copy(update=fields)}})


def with_faults(scores: Scores, system: str, **faults: Share) -> Scores:
    """`scores` with other shares of faults, over all directions, of one system."""
    behaviour = scores.systems[system].behaviour
    assert behaviour is not None
    return changed(scores, system, behaviour=behaviour.model_copy(update={"all": {**behaviour.all, **faults}}))


def translated(**metrics: float) -> dict[str, Translation]:
    """Scores of one direction, it-sc, without intervals."""
    return {"it-sc": Translation(sentences=12, **{name: Score(value=value) for name, value in metrics.items()})}


def bits(value: float, documents: int = 12, size: int = 1500) -> BitsPerByte:
    """Bits per byte of a byte model."""
    return BitsPerByte(value=value, perplexity=2.0, documents=documents, bytes=size, tokens=size)


def share(value: float = 0.4, low: float = 0.2, high: float = 0.6, answers: int = 50) -> Share:
    """A share with an interval."""
    return Share(share=value, low=low, high=high, answers=answers)
