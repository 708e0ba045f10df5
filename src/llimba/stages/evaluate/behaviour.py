"""What BLEU does not see: answers in another language or script, copies of the source, loops, silence, no end.

Each is a share of the answers with its 95 % Wilson interval (scipy). The corpus stage's own identifier says what
language an answer is in, where the recipe has one trained; its script is compared with that of the references.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from llimba.languages.text import fold, repeated_words, words
from llimba.reports.evaluated import SavedAnswer
from llimba.reports.scores import FAULTS, Behaviour, Fault, Share

if TYPE_CHECKING:
    from llimba.languages.identify.identifier import Identifier

LOOP_FROM, LOOP_SHARE = 12, 0.5  # words of an answer; share of them that only repeat
NAMED_FROM = 3  # words of an answer whose language is asked for


def faults(
    answers: Sequence[SavedAnswer], target: str, identifier: "Identifier | None" = None
) -> dict[Fault, list[bool]]:
    """For each fault whether each answer has it; `wrong_language` only where an identifier knows `target`."""
    texts = [answer.hypothesis for answer in answers]
    known = scripts(character for answer in answers for character in answer.reference)
    found: dict[Fault, list[bool]] = {
        "other_script": [bool(scripts(text) - known) for text in texts],
        "copy": [bool(fold(a.hypothesis)) and fold(a.hypothesis) == fold(a.source) for a in answers],
        "loop": [_loops(answer.raw or answer.hypothesis) for answer in answers],
        "empty": [not text.strip() for text in texts],
        "no_end": [not answer.stopped for answer in answers],
    }
    if identifier is not None and target in identifier.languages:
        labels = identifier.label_many(texts) if texts else []
        found["wrong_language"] = [
            len(words(text)) >= NAMED_FROM and label.language in identifier.languages and label.language != target
            for text, label in zip(texts, labels, strict=True)
        ]
    return found


def share(seen: Sequence[bool]) -> Share:
    """The share of true ones with its 95 % Wilson interval, and of how many."""
    from scipy.stats import binomtest

    if not seen:
        return Share(share=0.0, low=0.0, high=1.0, answers=0)
    interval = binomtest(sum(seen), len(seen)).proportion_ci(0.95, method="wilson")
    return Share(
        share=round(sum(seen) / len(seen), 4),
        low=round(float(interval.low), 4),
        high=round(float(interval.high), 4),
        answers=len(seen),
    )


def behaviour(by_direction: Mapping[str, Mapping[Fault, list[bool]]]) -> Behaviour:
    """Shares of the faults of each direction, and over all of them."""
    together: dict[Fault, list[bool]] = {}
    for found in by_direction.values():
        for fault, seen in found.items():
            together.setdefault(fault, []).extend(seen)

    def shares(found: Mapping[Fault, list[bool]]) -> dict[Fault, Share]:
        return {fault: share(found[fault]) for fault in FAULTS if fault in found}

    return Behaviour(
        all=shares(together), by_direction={direction: shares(found) for direction, found in by_direction.items()}
    )


def scripts(characters: Iterable[str]) -> set[str]:
    """The scripts of the letters in a text, by the first word of their Unicode names: LATIN, CYRILLIC, CJK ..."""
    letters = {character for character in characters if character.isalpha()}
    return {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in letters} - {
        "MODIFIER",
        "FEMININE",
        "MASCULINE",
    }


def _loops(text: str) -> bool:
    said = words(text)
    return len(said) >= LOOP_FROM and repeated_words(said) > LOOP_SHARE
