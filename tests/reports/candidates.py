"""Candidates for a base model, for tests."""

from typing import Any

from llimba.reports.candidates import Candidate, Fit, LanguageScore


def score(bits: float, tokens_per_word: float = 2.0) -> LanguageScore:
    return LanguageScore(
        bits_per_byte=bits, low=bits - 0.1, high=bits + 0.1, tokens_per_word=tokens_per_word, bytes=1000, lines=20
    )


def fit(needed: float) -> Fit:
    return Fit(fits=needed <= 24, needed_gib=needed, available_gib=24, remedy="" if needed <= 24 else "precision: bf16")


def candidate(name: str, bits: float = 2.0, **changes: Any) -> Candidate:
    """One that trains, fits and may be used; `changes` replace."""
    given: dict[str, Any] = {
        "training": "a call a row", "reason": "it does", "license": "Apache-2.0", "result_license": "MPL-2.0",
        "parameters": 135_000_000, "full": fit(4.0), "adapter": fit(3.0),
        "languages": {"sc": score(bits, 2.12), "it": score(bits / 2, 1.85)},
    }  # fmt: skip
    return Candidate(name=name, **given | changes)
