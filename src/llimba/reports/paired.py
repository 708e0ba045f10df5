"""Is one system better than another on the same sentences? sacrebleu's paired bootstrap over the saved answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.recipe import Recipe

SAMPLES = 1000
# sacrebleu (2.6.0, significance.py) centres |difference| and counts one tail only; the simulation is
# benchmarks/evaluation.py, chrF, 100 sentences, 150 pairs of equally good systems
NOTE = (
    "sacrebleu's p looks at one side: of two equally good systems one was better at p < 0.05 in 11 % of simulated "
    "cases. Ask for p < 0.025, and for less where many directions are looked at."
)


def paired(baseline: Path, system: Path) -> dict[str, Any]:
    """Scores of two files of `hypotheses/`, their difference, and how likely it is to be chance (p), by metric.

    Raises `StageError` where the two do not answer the same sentences.
    """
    from sacrebleu.metrics import BLEU, CHRF
    from sacrebleu.significance import PairedTest

    first, second = list(read_jsonl(baseline)), list(read_jsonl(system))
    if [(row["id"], row["reference"]) for row in first] != [(row["id"], row["reference"]) for row in second]:
        raise StageError(f"{baseline} and {system} do not answer the same sentences, so nothing can be paired.")
    references = [[row["reference"] for row in first]]
    metrics = {"bleu": BLEU(references=references), "chrf": CHRF(references=references)}
    answers = [(name, [row["hypothesis"] for row in rows]) for name, rows in (("first", first), ("second", second))]
    _, table = PairedTest(answers, metrics, references=None, test_type="bs", n_samples=SAMPLES)()
    found: dict[str, Any] = {"sentences": len(first)}
    for metric, results in zip(metrics, [table[key] for key in table if key != "System"], strict=True):
        one, other = results
        found[metric] = {
            "first": round(one.score, 2),
            "second": round(other.score, 2),
            "difference": round(other.score - one.score, 2),
            "p": 1.0 if answers[0][1] == answers[1][1] else round(other.p_value, 4),  # equal answers: sacrebleu says 0
        }
    return found


def against_the_first(evaluated: Sequence[tuple[Recipe, Path]]) -> list[dict[str, Any]]:
    """For every further recipe and direction: its model after SFT against the first recipe's, on the same sentences.

    `evaluated` holds recipes and the folders of their evaluate stages.
    """
    rows = []
    first, folder = evaluated[0]
    for other, there in evaluated[1:]:
        for direction in first.evaluate.directions:
            name = f"sft.{direction}.jsonl"
            found = paired(folder / "hypotheses" / name, there / "hypotheses" / name)
            rows.append({"recipe": other.name, "against": first.name, "direction": direction, **found})
    return rows
