"""Numbers from answers: corpus BLEU, chrF and chrF++ by sacrebleu with signatures and intervals; bits per byte."""

import math
from collections.abc import Sequence
from typing import Any

from llimba.records import Document

RESAMPLES = 1000
LABELS = ("source", "variety", "norm")  # of a held-out text


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

    class PlainCHRF(CHRF):  # type: ignore[misc]
        """Gives numpy's float32, but Python's 0.0 for a resample of empty answers; `statistics` refuses the mixture."""

        def _compute_f_score(self, statistics: list[int]) -> float:
            return float(super()._compute_f_score(statistics))

    return {"bleu": BLEU(), "chrf": PlainCHRF(), "chrfpp": PlainCHRF(word_order=2)}


def signatures() -> dict[str, str]:
    """sacrebleu's own statement of how the scores were computed."""
    found = {}
    for name, metric in _metrics().items():
        metric.corpus_score(["a"], [["a"]])
        found[name] = str(metric.get_signature())
    return found


def bits_per_byte(log_likelihoods: list[float], num_bytes: list[int], num_tokens: list[int]) -> dict[str, Any]:
    """Total negative log-likelihood (nats) over total UTF-8 bytes, in bits: comparable across tokenizers.

    `perplexity` is a token's, and so compares models of one tokenizer only.
    """
    nats = -sum(log_likelihoods)
    return {
        "value": round(nats / (sum(num_bytes) * math.log(2)), 4),
        "perplexity": round(math.exp(min(nats / sum(num_tokens), 700.0)), 3),
        "documents": len(num_bytes),
        "bytes": sum(num_bytes),
        "tokens": sum(num_tokens),
    }


def bits_by_label(
    documents: Sequence[Document], log_likelihoods: list[float], num_bytes: list[int], num_tokens: list[int]
) -> dict[str, dict[str, Any]]:
    """Bits per byte by source, variety and norm, for each label that tells the documents apart."""
    found: dict[str, dict[str, Any]] = {}
    for label in LABELS:
        names = [getattr(document, label) or "not stated" for document in documents]
        if len(set(names)) > 1:
            found[label] = {}
            for name in sorted(set(names)):
                chosen = [i for i, of in enumerate(names) if of == name]
                found[label][name] = bits_per_byte(
                    [log_likelihoods[i] for i in chosen],
                    [num_bytes[i] for i in chosen],
                    [num_tokens[i] for i in chosen],
                )
    return found
