"""Numbers from answers: corpus BLEU and chrF by sacrebleu with their signatures, bits per byte, share of ends."""

import math
from typing import Any


def translation_scores(hypotheses: list[str], references: list[str]) -> dict[str, Any]:
    """Corpus BLEU (13a) and chrF2, 0 to 100, and how many sentences they rest on."""
    from sacrebleu.metrics import BLEU, CHRF

    return {
        "bleu": round(BLEU().corpus_score(hypotheses, [references]).score, 2),
        "chrf": round(CHRF().corpus_score(hypotheses, [references]).score, 2),
        "sentences": len(references),
    }


def signatures() -> dict[str, str]:
    """sacrebleu's own statement of how the scores were computed."""
    from sacrebleu.metrics import BLEU, CHRF

    found = {}
    for name, metric in (("bleu", BLEU()), ("chrf", CHRF())):
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
