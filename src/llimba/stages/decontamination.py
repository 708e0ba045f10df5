"""No evaluation sentence is trained on, and the corpus stage proves it.

A training line is contaminated when, folded, it shares a run of eight words with an evaluation sentence of any
language, or holds a shorter one whole (from five words on; below that only a line that equals it counts, since short
phrases recur innocently). FLORES sentences have about 21 words, so the 13-grams that lm-evaluation-harness and GPT-3
use would miss the short half of them.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from llimba.languages.text import fold

RUN = 8  # words shared with an evaluation sentence
SHORTEST = 5  # words of the shortest sentence that is looked for inside a line


class Hit(NamedTuple):
    """Why a line is contaminated."""

    rule: str  # whole sentence | shared 8 words | sentence inside
    evaluation_id: str
    shared: str


class EvaluationIndex:
    """Evaluation sentences of all languages, for lookup by whole sentence and by run of words."""

    def __init__(self, sentences: Iterable[tuple[str, str]]) -> None:
        """`sentences` yields (id, text); a text of several lines counts line by line."""
        self._whole: dict[str, str] = {}
        self._runs: dict[int, dict[str, str]] = {}
        self._heads: set[tuple[str, str]] = set()  # first two words of every run: most lines hold none and are done
        for identifier, text in sentences:
            for line in text.split("\n"):
                words = fold(line).split()
                if not words:
                    continue
                self._whole.setdefault(" ".join(words), identifier)
                size = min(RUN, len(words))
                if size >= SHORTEST:
                    runs = self._runs.setdefault(size, {})
                    for start in range(len(words) - size + 1):
                        runs.setdefault(" ".join(words[start : start + size]), identifier)
                        self._heads.add((words[start], words[start + 1]))

    def __len__(self) -> int:
        return len(self._whole)

    def hit(self, line: str) -> Hit | None:
        """The first evaluation sentence that a line of training text shows, or None."""
        words = fold(line).split()
        folded = " ".join(words)
        if folded in self._whole:
            return Hit("whole sentence", self._whole[folded], folded)
        if self._heads.isdisjoint(pairwise(words)):
            return None
        starts = [start for start, head in enumerate(pairwise(words)) if head in self._heads]
        for size, runs in self._runs.items():
            for start in starts:
                run = " ".join(words[start : start + size])
                if run in runs:
                    return Hit("shared 8 words" if size == RUN else "sentence inside", runs[run], run)
        return None
