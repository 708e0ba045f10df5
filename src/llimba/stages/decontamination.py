"""No evaluation sentence is trained on: it is found whatever the layout, and taken out with its sentence.

A text is contaminated where its letters, read on through layout, are those of eight consecutive words of an evaluation
text of any language, or of the whole of a shorter sentence (from five words on; below that only a line that equals it
counts, since short phrases recur innocently). FLORES sentences have about 21 words, so the 13-grams that
lm-evaluation-harness and GPT-3 use would miss the short half of them.

Runs of `SEED` letters of the evaluation texts are looked up at every letter of a text; where one is found, the match is
followed both ways, and over a few short parts of the page (a page number, a running head, the next column) that may
stand between two parts of a sentence. `stages.second_look` proves by words that nothing is left.

Suffix arrays (Google's deduplicate-text-datasets) find exact bytes alone, and an alignment library would compare every
text with every sentence.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

import xxhash

from llimba.languages.text import fold
from llimba.stages.running_text import BREAK, HYPHENATED, OVERLAP, Letters, Variants, cut, sentence_around, stretches

RUN = 8  # words shared with an evaluation sentence
SHORTEST = 5  # words of the shortest sentence that is looked for inside a line
SEED = 12  # letters that are looked up
SURE = 20  # letters of a whole sentence that is found even where it is joined to other words without a space
SKIPPED = 4  # parts of the page between two parts of a sentence, at most
SKIPPED_LETTERS = 80  # of these together
AHEAD = 32  # letters on either side of a seed that are compared for all seeds of a text at once
OVERSHOT = 12  # letters by which a match may run on into such a part by chance
RESUMED = 6  # letters that must match after it, where the sentence does not end before


class Hit(NamedTuple):
    """Why a passage is contaminated."""

    rule: str  # whole sentence | shared 8 words | sentence inside
    evaluation_id: str
    shared: str  # as the text has it


class Passage(NamedTuple):
    """A passage of a text to take out."""

    start: int  # characters
    end: int
    hit: Hit


class Removed(NamedTuple):
    """What was taken out of a text."""

    passage: str
    hit: Hit


class _Part(NamedTuple):
    """Letters of a text that match letters of the evaluation texts."""

    start: int  # in the text
    end: int
    there: int  # the evaluation letter that `start` matches


class EvaluationIndex:
    """Evaluation texts of all languages, for lookup by runs of letters."""

    def __init__(self, sentences: Iterable[tuple[str, str]], alike: Variants = ()) -> None:
        """`sentences` yields (id, text); in a text of several lines each is a sentence, but no short one.

        `alike` are spellings that count as the same (`running_text.variants`).
        """
        import numpy as np

        self._alike = alike
        self._tiny: dict[str, str] = {}  # letters of a short sentence -> its id
        self._ids: list[str] = []
        lines, texts = set[str](), set[bytes]()
        codes, words, whole_lines, line_bounds, first = [np.zeros(1, "<u4")], [], [], [], [1]
        for identifier, text in sentences:
            letters = Letters.of(text, alike)
            lines.update(fold(line) for line in text.split("\n"))
            if not len(letters.codes) or letters.codes.tobytes() in texts:
                continue
            texts.add(letters.codes.tobytes())
            at, found = first[-1], letters.words()
            starts = [start for start, _ in found]
            for start, end in letters.lines():
                line_bounds.append((at + start, at + end))
                if bisect_left(starts, end) - bisect_left(starts, start) >= SHORTEST and end - start >= SEED:
                    whole_lines.append((at + start, at + end))
                elif "\n" not in text.strip():
                    self._tiny.setdefault(_said(letters.codes[start:end]), identifier)
            codes += [letters.codes, np.zeros(1, "<u4")]  # no letter of any text: a match ends there
            words += [(at + start, at + end) for start, end in found]
            self._ids.append(identifier)
            first.append(at + len(letters.codes) + 1)
        self._count = len(lines - {""})
        self._codes, self._texts = np.concatenate([*codes, np.zeros(SEED, "<u4")]), np.array(first)
        self._starts, self._ends = np.array(words, np.int64).reshape(-1, 2).T.copy()
        self._lines = np.array(whole_lines, np.int64).reshape(-1, 2)
        self._line_starts, self._line_ends = np.array(line_bounds, np.int64).reshape(-1, 2).T.copy()
        self._tiny_sizes = np.array(sorted({len(one) for one in self._tiny}), np.int64)
        self._seeds()

    def __len__(self) -> int:
        """How many different sentences are looked for."""
        return self._count

    def hit(self, text: str) -> Hit | None:
        """Why a text is contaminated; None where it is not."""
        return next((passage.hit for passage in self.passages(text)), None)

    def without(self, text: str) -> tuple[str, list[Removed]]:
        """The text without its contaminated passages, each with the rest of its sentence, and what was taken out."""
        removed: list[Removed] = []
        while passages := self.passages(text):  # what stood on either side of a passage may be one sentence
            removed += [Removed(text[p.start : p.end], p.hit) for p in passages]
            text = cut(text, [(p.start, p.end) for p in passages])
        return text, removed

    def passages(self, text: str) -> list[Passage]:
        """The contaminated passages of a text, ascending and apart."""
        found = []
        for place, part in stretches(text):
            known = OVERLAP // 4 if place else 0  # what begins before is seen with what is around it in the part before
            for start, end, hit in self._passages(part):
                if start >= known:
                    found.append(Passage(place + start, place + end, hit))
        merged: list[Passage] = []
        for passage in sorted(found):
            if merged and passage.start < merged[-1].end:
                last = merged[-1]
                merged[-1] = Passage(last.start, max(last.end, passage.end), last.hit)
            else:
                merged.append(passage)
        return merged

    def _passages(self, text: str) -> Iterator[Passage]:
        readings = [Letters.of(text, self._alike)]
        if self._alike and HYPHENATED.search(text):  # a hyphen may end a word or break one, and a spelling hangs on it
            readings.append(Letters.of(text, self._alike, joined=True))
        for letters in readings:
            yield from self._inside(letters)
            yield from self._short_lines(letters)

    def _seeds(self) -> None:
        """Sort the runs of letters that are looked up: those at words, one for each different passage around a word."""
        import numpy as np

        places, kept, seen = [], list[int](), set[tuple[int, int]]()
        number = np.arange(len(self._starts))
        text = np.searchsorted(self._texts, self._starts, "right")
        stops = self._texts[text] - 1
        begins = np.maximum(self._starts[np.maximum(number - RUN + 1, 0)], self._texts[text - 1])
        ends = np.minimum(self._ends[np.minimum(number + RUN - 1, len(number) - 1)], stops)
        wanted = self._starts + SEED <= stops
        for word, start, begin, end in np.stack([number, self._starts, begins, ends], 1)[wanted].tolist():
            around = xxhash.xxh3_64_intdigest(self._codes[begin:end].tobytes()), start - begin
            if around not in seen:
                seen.add(around)
                places.append(start)
                kept.append(word)
        hashes = _hashes(self._codes)[np.array(places, np.int64)] if places else np.empty(0, "<u8")
        self._needed = self._letters_needed(np.array(kept, np.int64))
        order = np.argsort(hashes, kind="stable")
        self._needed = self._needed[order]
        self._seed_hashes, self._seed_places = hashes[order], np.array(places, np.int64)[order]
        bits = min(24, max(12, (32 * len(places)).bit_length()))
        self._shift = np.uint64(64 - bits)
        self._maybe = np.zeros(2**bits, bool)
        self._maybe[hashes >> self._shift] = True

    def _letters_needed(self, words: Any) -> Any:
        """For each of these words, the fewest letters that a match which holds it has if it is enough."""
        import numpy as np

        never = np.iinfo(np.int64).max
        sizes = np.full(len(self._starts) + 2 * RUN, never)  # of the run of words that begins at each, shifted by RUN
        if len(self._starts) >= RUN:
            begins, ends = self._starts[: 1 - RUN], self._ends[RUN - 1 :]
            same = np.searchsorted(self._texts, begins, "right") == np.searchsorted(self._texts, ends, "left")
            sizes[RUN : RUN + len(begins)] = np.where(same, ends - begins, never)
        needed = np.min([sizes[words + RUN - before] for before in range(RUN)], axis=0)
        if len(self._lines):
            at = np.searchsorted(self._lines[:, 0], self._starts[words], "right") - 1
            low, high = self._lines[np.maximum(at, 0)].T
            inside = (at >= 0) & (self._starts[words] < high)
            needed = np.where(inside, np.minimum(needed, high - low), needed)
        return needed

    def _candidates(self, codes: Any) -> tuple[Any, Any]:
        """The letters of a text, ascending, at which a seed is found, and its number."""
        import numpy as np

        if len(codes) < SEED or not len(self._seed_hashes):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        hashes = _hashes(codes)
        places = np.flatnonzero(self._maybe[hashes >> self._shift])
        first = np.searchsorted(self._seed_hashes, hashes[places], "left")
        found = np.searchsorted(self._seed_hashes, hashes[places], "right") - first
        numbers = np.repeat(first - np.cumsum(found) + found, found) + np.arange(found.sum())
        return np.repeat(places, found), numbers

    def _inside(self, letters: Letters) -> Iterator[Passage]:
        import numpy as np

        codes = letters.codes
        places, numbers = self._candidates(codes)
        if not len(places):
            return
        theirs, breaks = self._seed_places[numbers], letters.breaks()
        # most seeds are a phrase that many texts have, and end before they are enough: those are sorted out together
        forward, back = (_reach(codes, places, self._codes, theirs, way) for way in (1, -1))
        enough = (forward + back >= self._needed[numbers]) | (np.maximum(forward, back) == AHEAD)
        for low, high in ((-back, OVERSHOT + 1 - back), (forward - OVERSHOT, forward + 1)):
            enough |= np.diff(np.searchsorted(breaks, [places + low, places + high]), axis=0)[0] > 0
        followed: dict[int, int] = {}  # by the distance between text and evaluation text: up to which letter
        for place, there in zip(places[enough].tolist(), theirs[enough].tolist(), strict=True):
            if place < followed.get(place - there, 0):
                continue
            on = _alike(codes[place:], self._codes[there:])
            if on < SEED:
                continue
            before = _alike(codes[:place][::-1], self._codes[:there][::-1])
            plain = [_Part(place - before, place + on, there - before)]
            followed[place - there] = place + on
            yield from self._judged(letters, plain)
            if len(beyond := self._followed(codes, breaks, plain)) > 1:
                yield from self._judged(letters, beyond)

    def _followed(self, codes: Any, breaks: Any, parts: list[_Part]) -> list[_Part]:
        """The parts of a match with those before and after it, beyond parts of the page that are none of it."""
        import numpy as np

        for _ in range(SKIPPED):
            last, gain, found = parts[-1], 0, list[_Part]()
            near = np.searchsorted(breaks, [max(last.start, last.end - OVERSHOT - 1), last.end], "right").tolist()
            for number in range(*near):  # the match may have run on into what is to be passed over
                stop = int(breaks[number])
                there = last.there + stop - last.start
                for begin in _beyond(breaks[number : number + SKIPPED + 1].tolist()):
                    same = _alike(codes[begin:], self._codes[there:])
                    enough = same >= RESUMED or not self._codes[there + same]
                    if enough and stop + same - last.end > gain:
                        gain = stop + same - last.end
                        found = [_Part(last.start, stop, last.there), _Part(begin, begin + same, there)]
            if not found:
                break
            parts = [*parts[:-1], *found]
        for _ in range(SKIPPED):
            first, gain, found = parts[0], 0, []
            near = np.searchsorted(breaks, [first.start, min(first.end, first.start + OVERSHOT + 1)], "left").tolist()
            for number in range(*near):
                begin = int(breaks[number])
                there = first.there + begin - first.start
                for stop in _beyond(breaks[max(0, number - SKIPPED) : number + 1][::-1].tolist()):
                    same = _alike(codes[:stop][::-1], self._codes[:there][::-1])
                    enough = same >= RESUMED or not self._codes[there - same - 1]
                    if enough and first.start + same - begin > gain:
                        gain = first.start + same - begin
                        found = [_Part(stop - same, stop, there - same), _Part(begin, first.end, there)]
            if not found:
                break
            parts = [*found, *parts[1:]]
        return parts

    def _judged(self, letters: Letters, parts: list[_Part]) -> list[Passage]:
        """What to take out where the parts together are enough of an evaluation text, else nothing."""
        import numpy as np

        low, high = parts[0].there, parts[-1].there + parts[-1].end - parts[-1].start
        first = int(np.searchsorted(self._starts, low, "left"))
        end = int(np.searchsorted(self._ends, high, "right"))
        if first < end and not letters.begins_word(_place(parts, int(self._starts[first]))):
            first += 1
        if first < end and not letters.begins_word(_place(parts, int(self._ends[end - 1]) - 1) + 1):
            end -= 1
        line = self._whole_line(letters, parts, low, high)
        if end - first < RUN and line is None:
            return []
        ranges = [line] if line else []
        if end - first >= RUN:
            ranges.append((int(self._starts[first]), int(self._ends[end - 1])))
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        between = self._line_starts[slice(*np.searchsorted(self._line_starts, [low + 1, high], "left"))].tolist()
        pieces = list(pairwise([low, *between, high]))  # one of each evaluation sentence
        return [
            passage
            for start, end in pieces
            if len(pieces) == 1 or self._counts(start, end) or not any(self._counts(*other) for other in pieces)
            for passage in self._spans(letters, parts, start, end)
        ]

    def _counts(self, low: int, high: int) -> bool:
        """Whether a piece of an evaluation text is a whole line of it, or words enough to be looked for by itself."""
        import numpy as np

        if low in self._line_starts and high in self._line_ends:
            return True
        return int(np.diff(np.searchsorted(self._starts, [low, high]))[0]) >= SHORTEST

    def _spans(self, letters: Letters, parts: list[_Part], low: int, high: int) -> list[Passage]:
        """Where a text has these evaluation letters, with the rest of its sentence."""
        import numpy as np

        taken = [(max(p.start, p.start + low - p.there), min(p.end, p.start + high - p.there)) for p in parts]
        taken = [(start, end) for start, end in taken if start < end]
        spans = [(int(letters.places[start]), int(letters.places[end - 1]) + 1) for start, end in taken]
        shared = " ".join(letters.text[start:end] for start, end in spans)
        at = int(np.searchsorted(self._lines[:, 0], low))
        whole = at < len(self._lines) and self._lines[at].tolist() == [low, high]
        begin, _ = sentence_around(letters.text, *spans[0], begins=low in self._line_starts)
        _, finish = sentence_around(letters.text, *spans[-1], ends=high in self._line_ends)
        alone = letters.between(begin, finish) == letters.between(spans[0][0], spans[-1][1])
        edges = [begin, *(edge for a, b in pairwise(spans) for edge in (_to_break(letters.text, a[1]), b[0])), finish]
        spans = list(zip(edges[::2], edges[1::2], strict=True))
        rule = f"shared {RUN} words" if not whole else "whole sentence" if alone else "sentence inside"
        identifier = self._ids[int(np.searchsorted(self._texts, low, "right")) - 1]
        return [Passage(*span, Hit(rule, identifier, shared)) for span in spans]

    def _whole_line(self, letters: Letters, parts: list[_Part], low: int, high: int) -> tuple[int, int] | None:
        """The first and last letter of the evaluation sentences that are matched whole; None where there is none."""
        import numpy as np

        first = int(np.searchsorted(self._lines[:, 0], low, "left"))
        end = int(np.searchsorted(self._lines[:, 1], high, "right"))
        whole = [
            (begin, finish)
            for begin, finish in self._lines[first:end].tolist()
            if finish - begin >= SURE
            or (letters.begins_word(_place(parts, begin)) and letters.begins_word(_place(parts, finish - 1) + 1))
        ]
        return (whole[0][0], whole[-1][1]) if whole else None

    def _short_lines(self, letters: Letters) -> Iterator[Passage]:
        """Lines that equal an evaluation sentence too short to be looked for inside a text."""
        import numpy as np

        if not self._tiny:
            return
        found = [match.start() for match in re.finditer("\n", letters.text)]
        starts, ends = np.array([0, *(at + 1 for at in found)]), np.array([*found, len(letters.text)])
        first, last = (np.searchsorted(letters.places, edges) for edges in (starts, ends))
        for number in np.flatnonzero(np.isin(last - first, self._tiny_sizes)).tolist():
            identifier = self._tiny.get(_said(letters.codes[first[number] : last[number]]))
            if identifier is not None:
                start, end = int(starts[number]), int(ends[number])
                yield Passage(start, end, Hit("whole sentence", identifier, letters.text[start:end]))


def _said(codes: Any) -> str:
    """Code points as a string."""
    text: str = codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    return text


def _to_break(text: str, end: int) -> int:
    """Past the signs (a hyphen, a comma) that follow `end` on its line."""
    while end < len(text) and not text[end].isalnum() and not BREAK.match(text, end):
        end += 1
    return end


def _hashes(codes: Any) -> Any:
    """(letters - SEED + 1,) uint64: a polynomial of each run of `SEED` letters, by doubling."""
    import numpy as np

    powers = [np.uint64(pow(0x9E3779B97F4A7C15, size, 2**64)) for size in (1, 2, 4)]
    one = codes.astype("<u8") * np.uint64(0xD6E8FEB86659FD93)
    two = one[:-1] * powers[0] + one[1:]
    four = two[:-2] * powers[1] + two[2:]
    eight = four[:-4] * powers[2] + four[4:]
    return eight[:-4] * powers[2] + four[8:]


def _alike(one: Any, other: Any) -> int:
    """How many letters two runs have in common from their beginnings on."""
    size, at = min(len(one), len(other)), 0
    step = 64
    while at < size:
        differ = one[at : min(size, at + step)] != other[at : min(size, at + step)]
        if differ.any():
            return at + int(differ.argmax())
        at, step = at + step, step * 4
    return size


def _reach(codes: Any, places: Any, others: Any, theirs: Any, way: int) -> Any:
    """(places,) letters in common from each place on, or before it (`way` -1), up to `AHEAD`."""
    import numpy as np

    steps = np.arange(AHEAD) if way > 0 else -1 - np.arange(AHEAD)
    mine, them = places[:, None] + steps, theirs[:, None] + steps
    inside = (mine >= 0) & (mine < len(codes)) & (them >= 0) & (them < len(others))
    same = inside & (codes.take(mine, mode="clip") == others.take(them, mode="clip"))
    return np.where(same.all(axis=1), AHEAD, np.argmin(same, axis=1))


def _beyond(breaks: list[int]) -> Iterator[int]:
    """The breaks after the first, as long as there is little between."""
    return takewhile(lambda there: abs(there - breaks[0]) <= SKIPPED_LETTERS, breaks[1:])


def _place(parts: list[_Part], there: int) -> int:
    """The letter of the text that an evaluation letter is matched by."""
    part = next(p for p in parts if p.there <= there < p.there + p.end - p.start)
    return part.start + there - part.there
