"""Is one system better than another on the same sentences? sacrebleu's paired bootstrap over the saved answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from llimba.errors import StageError
from llimba.recipe import Recipe
from llimba.reports.evaluated import EvaluatedFolder, read_answers

SAMPLES = 1000
# sacrebleu (2.6.0, significance.py) centres |difference| and counts one tail only; the simulation is
# benchmarks/evaluation.py, chrF, 100 sentences, 150 pairs of equally good systems
NOTE = (
    "sacrebleu's p looks at one side: of two equally good systems one was better at p < 0.05 in 11 % of simulated "
    "cases. Ask for p < 0.025, and for less where many directions are looked at."
)


class Difference(NamedTuple):
    """How far a system is above another by one metric, and how likely that is to be chance."""

    difference: float
    p: float


class Paired(NamedTuple):
    """Two systems on the same sentences."""

    sentences: int
    bleu: Difference
    chrf: Difference


def paired(baseline: Path, system: Path) -> Paired:
    """The difference of two files of saved answers.

    Raises `StageError` where the two do not answer the same sentences.
    """
    from sacrebleu.metrics import BLEU, CHRF
    from sacrebleu.significance import PairedTest

    first, second = read_answers(baseline), read_answers(system)
    if [(answer.id, answer.reference) for answer in first] != [(answer.id, answer.reference) for answer in second]:
        raise StageError(f"{baseline} and {system} do not answer the same sentences, so nothing can be paired.")
    references = [[answer.reference for answer in first]]
    metrics = {"bleu": BLEU(references=references), "chrf": CHRF(references=references)}
    said = [[answer.hypothesis for answer in answers] for answers in (first, second)]
    named = list(zip(("first", "second"), said, strict=True))
    _, table = PairedTest(named, metrics, references=None, test_type="bs", n_samples=SAMPLES)()
    bleu, chrf = (
        Difference(
            round(other.score - one.score, 2),
            1.0 if said[0] == said[1] else round(other.p_value, 4),  # of equal answers sacrebleu says 0
        )
        for one, other in (table[key] for key in table if key != "System")
    )
    return Paired(len(first), bleu, chrf)


def against_the_first(evaluated: Sequence[tuple[Recipe, EvaluatedFolder]]) -> dict[str, dict[str, Paired]]:
    """The finished model of every further recipe against the first one's: by recipe and direction."""
    (first, folder), *others = evaluated
    return {
        other.name: {
            direction: paired(
                folder.answers_file(first.trains[-1], direction), there.answers_file(other.trains[-1], direction)
            )
            for direction in first.evaluate.directions
        }
        for other, there in others
    }
