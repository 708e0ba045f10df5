"""Numbers from answers: corpus BLEU, chrF and chrF++ by sacrebleu with signatures and intervals; bits per byte."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llimba.recipe.published_scores.table import Metric
from llimba.records import Document
from llimba.reports.evaluated import SavedAnswer, write_answers
from llimba.reports.scores import BitsPerByte, Score, Translation

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric as SacreMetric

RESAMPLES = 1000
LABELS = ("source", "variety", "norm")  # of a held-out text


def score_translations(hypotheses: list[str], references: list[str]) -> Translation:
    """Corpus BLEU (13a), chrF2 and chrF2++, each with the interval of sacrebleu's bootstrap (its own fixed seed)."""

    def score(metric: "SacreMetric") -> Score:
        found = metric.corpus_score(hypotheses, [references], n_bootstrap=RESAMPLES)
        return Score(value=round(found.score, 2), margin=round(float(found._ci), 2))

    scores = {name: score(metric) for name, metric in _metrics().items()}
    return Translation(sentences=len(references), bleu=scores["bleu"], chrf=scores["chrf"], chrfpp=scores["chrfpp"])


def save_and_score(path: Path, answers: list[SavedAnswer]) -> Translation:
    """Save the answers of one direction and score them."""
    write_answers(path, answers)
    return score_translations([a.hypothesis for a in answers], [a.reference for a in answers])


def _metrics() -> dict[Metric, "SacreMetric"]:
    from sacrebleu.metrics import BLEU, CHRF

    class PlainCHRF(CHRF):  # type: ignore[misc]
        """Gives numpy's float32, but Python's 0.0 for a resample of empty answers; `statistics` refuses the mixture."""

        def _compute_f_score(self, statistics: list[int]) -> float:
            return float(super()._compute_f_score(statistics))

    return {"bleu": BLEU(), "chrf": PlainCHRF(), "chrfpp": PlainCHRF(word_order=2)}


def signatures() -> dict[Metric, str]:
    """sacrebleu's own statement of how the scores were computed."""
    found: dict[Metric, str] = {}
    for name, metric in _metrics().items():
        metric.corpus_score(["a"], [["a"]])
        found[name] = str(metric.get_signature())
    return found


class Likelihood(NamedTuple):
    """How likely a model finds one text: its log-likelihood in nats, and its UTF-8 bytes and tokens."""

    nats: float
    bytes: int
    tokens: int


def bits_per_byte(texts: Sequence[Likelihood]) -> BitsPerByte:
    """Total negative log-likelihood over total bytes."""
    nats, size = -sum(text.nats for text in texts), sum(text.bytes for text in texts)
    tokens = sum(text.tokens for text in texts)
    return BitsPerByte(
        value=round(nats / (size * math.log(2)), 4),
        perplexity=round(math.exp(min(nats / tokens, 700.0)), 3),
        documents=len(texts),
        bytes=size,
        tokens=tokens,
    )


def bits_interval(texts: Sequence[Likelihood]) -> tuple[float, float]:
    """The 95 % interval of `bits_per_byte`: the texts resampled 1,000 times, seed 0."""
    low, high = _resampled([texts])[0]
    return low, high


def bits_difference(texts: Sequence[Likelihood], others: Sequence[Likelihood]) -> tuple[float, float]:
    """The 95 % interval of what `others` have more than `texts` in bits per byte: another model on the same texts."""
    low, high = _resampled([texts, others])[1]
    return low, high


def _resampled(models: Sequence[Sequence[Likelihood]]) -> list[list[float]]:
    """The 95 % intervals of the bits per byte of the first model, and of what each further one has more than it."""
    import numpy as np

    nats = -np.array([[text.nats for text in texts] for texts in models])
    sizes = np.array([text.bytes for text in models[0]])
    draw = np.random.default_rng(0)
    drawn = (draw.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes))) for _ in range(RESAMPLES))
    bits = np.array([nats @ counts / (sizes @ counts) for counts in drawn]) / math.log(2)  # [resamples, models]
    bits[:, 1:] -= bits[:, :1]
    found: list[list[float]] = np.percentile(bits, [2.5, 97.5], axis=0).T.round(4).tolist()
    return found


def bits_by_label(documents: Sequence[Document], texts: Sequence[Likelihood]) -> dict[str, dict[str, BitsPerByte]]:
    """Bits per byte by source, variety and norm, for each label that has several values."""
    found: dict[str, dict[str, BitsPerByte]] = {}
    for label in LABELS:
        named = [
            (getattr(document, label) or "not stated", text) for document, text in zip(documents, texts, strict=True)
        ]
        names = sorted({name for name, _ in named})
        if len(names) > 1:
            found[label] = {name: bits_per_byte([text for of, text in named if of == name]) for name in names}
    return found
