"""Numbers from answers: corpus BLEU, chrF and chrF++ by sacrebleu with signatures and intervals; bits per byte."""

import math
from typing import Any

RESAMPLES = 1000


def translation_scores(hypotheses: list[str], references: list[str]) -> dict[str, Any]:
    """Corpus BLEU (13a), chrF2 and chrF2++, 0 to 100, and how many sentences they rest on.

    `*_ci` is half the width of the 95 % interval of sacrebleu's bootstrap (1,000 resamples, its own fixed seed).
    """
    found: dict[str, Any] = {}
    for name, metric in _metrics().items():
        score = metric.corpus_score(hypotheses, [references], n_bootstrap=RESAMPLES)
        found |= {name: round(score.score, 2), f"{name}_ci": round(float(score._ci), 2)}
    return found | {"sentences": len(references)}


def _metrics() -> dict[str, Any]:
    from sacrebleu.metrics import BLEU, CHRF

    return {"bleu": BLEU(), "chrf": CHRF(), "chrfpp": CHRF(word_order=2)}


def signatures() -> dict[str, str]:
    """sacrebleu's own statement of how the scores were computed."""
    found = {}
    for name, metric in _metrics().items():
        metric.corpus_score(["a"], [["a"]])
        found[name] = str(metric.get_signature())
    return found


def bits_per_byte(log_likelihoods: list[float], num_bytes: list[int]) -> dict[str, Any]:
    """Total negative log-likelihood (nats) over total UTF-8 bytes, in bits: comparable across tokenizers."""
    return {
        "value": round(-sum(log_likelihoods) / (sum(num_bytes) * math.log(2)), 4),
        "documents": len(num_bytes),
        "bytes": sum(num_bytes),
    }
