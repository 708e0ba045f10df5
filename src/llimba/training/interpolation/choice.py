"""How far from the start: bits per byte of each weight on text to choose by, and one weight chosen with its reason."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llimba import progress
from llimba.errors import StageError
from llimba.models.loading import load_model
from llimba.recipe import Tokens, TrainingSection
from llimba.recipe.resolved import ResolvedSettings
from llimba.records import Document
from llimba.reports.training_facts import Interpolation

if TYPE_CHECKING:
    from llimba.training.interpolation.weights import Between

logger = logging.getLogger(__name__)


def measure(
    between: "Between",
    weights: Sequence[float],
    documents: Sequence[Document],
    max_bytes: int,
    settings: TrainingSection,
    resolved: ResolvedSettings,
    tokens: Tokens,
) -> tuple[list[dict[str, float]], dict[str, int]]:
    """Bits per byte of every language of `documents` at every weight, and at the ends; and the bytes they rest on.

    As the monitor of a training run measures: the beginnings of documents, every token predicted. One model is loaded,
    and its tensors are replaced for each weight.
    """
    from llimba.training.model import DTYPES
    from llimba.training.monitor import held_out_examples
    from llimba.training.scoring import Scorer

    loaded = load_model(between.trained, tokens, DTYPES[resolved.precision.value])
    languages = list(dict.fromkeys(document.language for document in documents))
    held_out = held_out_examples(
        documents,
        languages,
        max_bytes,
        loaded.tokenizer,
        loaded.contract.separator_id,
        settings.sequence_length,
    )
    longest = max((len(e.input_ids) for examples in held_out.examples.values() for e in examples), default=64)
    scorer = Scorer(loaded, resolved, longest)
    table: list[dict[str, float]] = []
    every = sorted({0.0, 1.0, *weights})
    with progress.bar("between start and trained", len(every), "weights") as bar:
        for weight in every:
            between.load_into(loaded.model, weight)
            row = {"weight": weight}
            for language, examples in held_out.examples.items():
                nats = sum(float(part.sum()) for part in scorer.token_nats(examples))
                row[language] = round(nats / math.log(2) / held_out.num_bytes[language], 4)
            table.append(row)
            bar.advance()
    return table, dict(held_out.num_bytes)


def choose_weight(
    table: Sequence[Mapping[str, float]], weights: Sequence[float], target: str, tolerance: float
) -> tuple[float, str]:
    """(weight, reason): the lowest bits per byte of `target` where every other language is kept.

    Kept means at most `tolerance` (a share) worse than at the start; where no weight keeps all, the one that loses
    least is taken. Raises `StageError` where there is no text in `target`.
    """
    by_weight = {row["weight"]: row for row in table}
    start = by_weight[0.0]
    if target not in start:
        raise StageError(
            f"interpolate: there is too little text in '{target}' to choose a weight by. Name one weight in place of a "
            "list."
        )
    others = [language for language in start if language not in ("weight", target)]

    def worst(weight: float) -> tuple[float, str]:
        changes = [(by_weight[weight][language] / start[language] - 1, language) for language in others]
        return max(changes, default=(0.0, ""))

    kept = [weight for weight in weights if worst(weight)[0] <= tolerance]
    if kept:
        best = min(kept, key=lambda weight: by_weight[weight][target])
        lost, language = worst(best)
        rest = f"; most lost: {language} {lost:+.1%}" if language else ""
        reason = (
            f"lowest bits per byte of {target} ({by_weight[best][target]:.3f}, start {start[target]:.3f}) where no "
            f"other language is more than {tolerance:.1%} worse than at the start{rest}"
        )
        return best, reason
    best = min(weights, key=lambda weight: worst(weight)[0])
    lost, language = worst(best)
    reason = (
        f"no weight keeps every other language within {tolerance:.1%} of the start; here the most is lost by "
        f"{language} ({lost:+.1%})"
    )
    return best, reason


def measure_and_choose(
    start: Path,
    trained: Path,
    weights: Sequence[float],
    documents: Sequence[Document],
    max_bytes: int,
    settings: TrainingSection,
    resolved: ResolvedSettings,
    tokens: Tokens,
    target: str,
) -> Interpolation:
    """Measure and choose; the table is printed as it is made."""
    from llimba.training.interpolation.weights import Between

    documents = sorted(documents, key=lambda document: (document.language != target, document.language))
    table, num_bytes = measure(Between(start, trained), weights, documents, max_bytes, settings, resolved, tokens)
    for row in table:
        shown = ", ".join(f"{language} {value:.3f}" for language, value in row.items() if language != "weight")
        logger.info("  weight %g: bits per byte %s", row["weight"], shown)
    weight, reason = choose_weight(table, weights, target, settings.interpolate_tolerance)
    return Interpolation(weight=weight, reason=reason, table=table, num_bytes=num_bytes)
