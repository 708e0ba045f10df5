"""The proof that no evaluation sentence is left, by another way of looking than the one that took them out.

Removal follows letters (`stages.decontamination`); this looks words up. A text is read as words in several ways: on
through line ends and cells, with words that a hyphen breaks at a line's end put together, and from each part of the
page to those after the next few short ones, where a page number or a running head would be. A run of eight words of an
evaluation text found in any of them, or a shorter sentence whole, is one that was left.

What this finds is contaminated by the definition of `stages.decontamination`; so where it finds something, either the
removal or this is wrong, and the stage that asks stops.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate

import xxhash

from llimba.languages.text import fold
from llimba.stages.decontamination import RESUMED, RUN, SEED, SHORTEST, SKIPPED_LETTERS
from llimba.stages.running_text import BREAK, HYPHENATED, WORD, Variants, folded_letters, stretches

HEAD = 3  # words by which a run is begun to be looked for: few places of a text have them
PASSED = 3  # short parts of the page that a sentence may go on behind; fewer than removal passes over


class SecondLook:
    """Runs of words of the evaluation texts."""

    def __init__(self, sentences: Iterable[tuple[str, str]], alike: Variants = ()) -> None:
        """The same texts, and spellings that count as one, as `EvaluationIndex` was given."""
        self._alike = alike
        self._runs: dict[int, set[int]] = {}  # number of words -> hashes
        self._heads: set[tuple[str, ...]] = set()
        for _, text in sentences:
            lines = [self._words(line) for line in _plain(text).split("\n")]
            self._add([word for line in lines for word in line], RUN)
            for words in lines:
                if SHORTEST <= len(words) < RUN:
                    self._add(words, len(words))

    def found(self, text: str) -> bool:
        """Whether a text still holds a run of words of an evaluation text."""
        return any(self._found(_plain(part)) for _, part in stretches(text))

    def _found(self, text: str) -> bool:
        if self._in([self._words(part) for part in BREAK.split(text)]):
            return True
        return HYPHENATED.search(text) is not None and self._in([self._words(HYPHENATED.sub("", text))])

    def _words(self, text: str) -> list[str]:
        folded = fold(text.replace("_", " "))
        for written, compared in self._alike:
            folded = folded.replace(written, compared)
        return folded.split()

    def _add(self, words: Sequence[str], size: int) -> None:
        runs = self._runs.setdefault(size, set())
        for start in range(len(words) - size + 1):
            run = words[start : start + size]
            if sum(map(len, run)) >= SEED:
                runs.add(xxhash.xxh3_64_intdigest(" ".join(run).encode()))
                self._heads.add(tuple(run[:HEAD]))

    def _in(self, parts: Sequence[Sequence[str]]) -> bool:
        """Whether a run is in these parts of a page, read on or over a few short ones."""
        words = [word for part in parts for word in part]
        ends = list(accumulate(len(part) for part in parts if part))
        heads = enumerate(zip(words, words[1:], words[2:], strict=False))
        for start in [start for start, head in heads if head in self._heads]:
            if self._is_run(words[start : start + RUN]):
                return True
            for number in range(bisect_left(ends, start + HEAD), len(ends)):
                left = ends[number]
                if left - start >= RUN:
                    break
                for after in ends[number + 1 : number + PASSED + 1]:
                    if sum(map(len, words[left:after])) > SKIPPED_LETTERS:
                        break
                    rest = words[after : after + RUN - left + start]
                    if self._is_run([*words[start:left], *rest], left - start):
                        return True
        return False

    def _is_run(self, words: Sequence[str], left: int | None = None) -> bool:
        """Whether these words begin with a run; `left` of them were before what was passed over."""
        for size, runs in self._runs.items():
            run = words[:size]
            if len(run) < size or xxhash.xxh3_64_intdigest(" ".join(run).encode()) not in runs:
                continue
            if left is None:
                return True
            before, after = (sum(map(len, side)) for side in (run[:left], run[left:]))
            if min(before, after) >= RESUMED and max(before, after) >= SEED:
                return True
        return False


def _plain(text: str) -> str:
    """Characters within which `fold` ends a word and removal does not (a half, a middle-dotted l) as their letters."""
    there = _compounds()
    if text.isascii() or there.isdisjoint(text):
        return text
    return "".join(folded_letters(character) if character in there else character for character in text)


@lru_cache
def _compounds() -> frozenset[str]:
    every = (chr(code) for code in range(0x80, 0x10000))
    return frozenset(c for c in every if folded_letters(c) and not WORD.fullmatch(unicodedata.normalize("NFKD", c)))
