"""What BLEU does not see: answers in another language or script, copies of the source, loops, silence, no end.

Each is a share of the answers with its 95 % Wilson interval (scipy). The language is told by the corpus stage's own
identifier, where the recipe has one trained; the script by the letters that the references are written in.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from llimba.languages.text import fold, repeated_words

if TYPE_CHECKING:
    from llimba.languages.identify.identifier import Identifier

LOOP_FROM, LOOP_SHARE = 12, 0.5  # words of an answer; share of them that only repeat
NAMED_FROM = 3  # words of an answer whose language is asked for

KINDS = {  # as people call them, in the order of the table
    "wrong_language": "answers in another language",
    "other_script": "answers in another script",
    "copy": "answers that copy the source",
    "loop": "answers that run in a loop",
    "empty": "empty answers",
    "no_end": "answers that do not stop",
}


def behaviour(
    answers: Sequence[dict[str, Any]], target: str, identifier: "Identifier | None" = None
) -> dict[str, list[bool]]:
    """For each kind whether each answer shows it; `wrong_language` only where an identifier knows `target`.

    `answers` are rows of `hypotheses/*.jsonl`: source, reference, hypothesis, stopped.
    """
    texts = [answer["hypothesis"] for answer in answers]
    known = scripts(character for answer in answers for character in answer["reference"])
    found = {
        "other_script": [bool(scripts(text) - known) for text in texts],
        "copy": [bool(fold(a["hypothesis"])) and fold(a["hypothesis"]) == fold(a["source"]) for a in answers],
        "loop": [_loops(answer.get("raw") or answer["hypothesis"]) for answer in answers],
        "empty": [not text.strip() for text in texts],
        "no_end": [not answer["stopped"] for answer in answers],
    }
    if identifier is not None and target in identifier.languages:
        labels = identifier.label_many(texts) if texts else []
        found["wrong_language"] = [
            len(text.split()) >= NAMED_FROM and label.language in identifier.languages and label.language != target
            for text, label in zip(texts, labels, strict=True)
        ]
    return found


def share(seen: Sequence[bool]) -> dict[str, Any]:
    """The share of true ones with its 95 % Wilson interval, and of how many."""
    from scipy.stats import binomtest

    if not seen:
        return {"share": 0.0, "low": 0.0, "high": 1.0, "answers": 0}
    interval = binomtest(sum(seen), len(seen)).proportion_ci(0.95, method="wilson")
    return {
        "share": round(sum(seen) / len(seen), 4),
        "low": round(float(interval.low), 4),
        "high": round(float(interval.high), 4),
        "answers": len(seen),
    }


def summed(by_direction: dict[str, dict[str, list[bool]]]) -> dict[str, Any]:
    """The shares over all directions under `all`, and of each direction."""
    together: dict[str, list[bool]] = {}
    for kinds in by_direction.values():
        for kind, seen in kinds.items():
            together.setdefault(kind, []).extend(seen)
    parts = {"all": together, **by_direction}
    return {name: {kind: share(kinds[kind]) for kind in KINDS if kind in kinds} for name, kinds in parts.items()}


def scripts(characters: Iterable[str]) -> set[str]:
    """The scripts of the letters in a text, by the first word of their Unicode names: LATIN, CYRILLIC, CJK ..."""
    letters = {character for character in characters if character.isalpha()}
    return {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in letters} - {
        "MODIFIER",
        "FEMININE",
        "MASCULINE",
    }


def _loops(text: str) -> bool:
    words = text.split()
    return len(words) >= LOOP_FROM and repeated_words(words) > LOOP_SHARE
