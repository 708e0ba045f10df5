"""A text as one run of letters, and where its layout and its sentences break: what decontamination looks at.

A sentence that is wrapped, hyphenated, set in capitals or without accents, or put into a table has the same letters in
the same order. Each letter knows the character that it comes from, so that what is found can be taken out of the text
itself. `languages.text.fold` gives words without their places, a line at a time; this is vectorised and keeps places.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import Any

import regex

from llimba.languages.text import OPTIONAL, UNSPACED, words

# Marks do not end a word, everything else that is no letter or digit does
WORD = regex.compile(r"[[\w\p{N}\p{M}]--[\p{Pc}\p{Cf}]]+", regex.V1)
# Where one part of a page ends and the next begins: lines, cells of a table, columns set with spaces
BREAK = regex.compile(r"[\n\r\f\v\x1c-\x1e\x85\u2028\u2029\t|]| {3,}")
# A word that is broken at the end of a line
HYPHENATED = regex.compile(r"(?<=[\p{L}\p{N}\p{M}])[-\u00ad\u2010\u2011]\s*[\n\r]\s*(?=[\p{L}\p{N}])")
WITHIN_WORD = (r"\p{M}+", HYPHENATED.pattern + r"|\p{M}+")
CLOSING = "[\\p{Pe}\\p{Pf}\"',:]*"
# The end of a sentence: a full stop only before a space, a capital or the end, since it is also in numbers
END = regex.compile(rf"(?:\.{CLOSING}(?=\s|\p{{Lu}}|\p{{Pi}}|$)|(?:[^\P{{STerm}}.]|\u2026)+{CLOSING})\s*")
OPENING = regex.compile("[\\p{Ps}\\p{Pi}\"']*$")
# A sentence begins, and not a word all in capitals
CAPITAL = regex.compile(r"[^\p{L}\n]*\p{Lu}(?!\p{Lu})")
# Thai, Lao, Khmer and Burmese lines end so whether or not their sentence does
ENDED = regex.compile(rf"(?:[\p{{STerm}}\u2026]{CLOSING}|\p{{LB=SA}})$")
SIGNS = regex.compile("\\p{P}*")
STRETCH, OVERLAP = 200_000, 8_000  # characters that are looked at together
STUMP = 5  # words; fewer on one side of a sentence that is taken out would make no sense by themselves
SENTENCE = 200  # characters before and after a passage in which the ends of its sentence are looked for

Variants = tuple[tuple[str, str], ...]  # (as written, as compared), letters after folding


def variants(alike: Iterable[Sequence[str]]) -> Variants:
    """What to replace so that the spellings of each group become one: the shortest of them, or the first of these."""
    found = []
    for group in alike:
        spellings = [folded_letters(one) for one in group]
        kept = min(spellings, key=len)
        found += [(one, kept) for one in spellings if one != kept]
    return tuple(sorted(found, key=lambda pair: -len(pair[0])))


def folded_letters(text: str) -> str:
    """Letters and digits alone, without case, accents and whatever else `languages.text.fold` takes for optional."""
    decomposed = OPTIONAL.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return "".join(c for c in decomposed if c.isalnum() or unicodedata.category(c)[0] == "M")


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters of `text`: their code points, and for each the place in the text of its character."""

    text: str
    codes: Any  # (letters,) uint32
    places: Any  # (letters,) int64, never falling

    @classmethod
    def of(cls, text: str, alike: Variants = (), joined: bool = False) -> "Letters":
        """Fold a text and replace the spellings of `alike` within words; `joined`: words broken at line ends as one."""
        import numpy as np

        characters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        sizes, starts, flat = _tables()
        rare = np.flatnonzero(characters > 0xFFFF)
        if len(rare):  # a few scripts, and emoji: entries of their own behind the table
            different, which = np.unique(characters[rare], return_inverse=True)
            more = [folded_letters(chr(code)) for code in different.tolist()]
            characters = characters.copy()
            characters[rare] = 0x10000 + which
            lengths = np.array([len(one) for one in more], sizes.dtype)
            starts = np.r_[starts, len(flat) + np.cumsum(lengths, dtype=np.int64) - lengths]
            sizes = np.r_[sizes, lengths]
            flat = np.r_[flat, np.frombuffer("".join(more).encode("utf-32-le"), "<u4")]
        counts = sizes[characters]
        if counts.max(initial=0) <= 1:
            places = np.flatnonzero(counts)
            codes = flat[starts[characters[places]]]
        else:
            places = np.repeat(np.arange(len(characters)), counts)
            first = np.cumsum(counts, dtype=np.int64) - counts
            codes = flat[starts[characters[places]] + np.arange(len(places)) - first[places]]
        found = cls(text, codes, places)
        if alike and len(places):
            follows = np.diff(places, prepend=-2) <= 1  # the letter before, within a word
            joins = [found.end() for found in regex.finditer(WITHIN_WORD[joined], text)]
            after = np.searchsorted(places, joins)
            follows[after[after < len(places)]] = True
            for written, compared in alike:
                found, follows = found._respelled(written, compared, follows)
        return found

    def _respelled(self, written: str, compared: str, follows: Any) -> "tuple[Letters, Any]":
        """`written` replaced by `compared`, which is no longer, within words; and which letters `follow` now."""
        import numpy as np

        size, codes = len(written), self.codes
        if len(codes) < size:
            return self, follows
        at = np.flatnonzero(codes[: len(codes) - size + 1] == ord(written[0]))
        for offset in range(1, size):
            at = at[(codes[at + offset] == ord(written[offset])) & follows[at + offset]]
        taken, end = [], 0
        for place in at.tolist():  # from the left, none over another, as str.replace does
            if place >= end:
                taken.append(place)
                end = place + size
        if not taken:
            return self, follows
        starts, codes = np.array(taken), codes.copy()
        stays = np.ones(len(codes), bool)
        for offset in range(size):
            if offset < len(compared):
                codes[starts + offset] = ord(compared[offset])
            else:
                stays[starts + offset] = False
        return Letters(self.text, codes[stays], self.places[stays]), follows[stays]

    def breaks(self) -> Any:
        """The letters, but the first of all, that begin a new part of the page; ascending."""
        import numpy as np

        ends = np.array([found.start() for found in BREAK.finditer(self.text)], np.int64)
        begins = np.unique(np.searchsorted(self.places, ends))
        return begins[(begins > 0) & (begins < len(self.places))]

    def lines(self) -> list[tuple[int, int]]:
        """(first letter, end) of every line that has letters."""
        import numpy as np

        lengths = np.cumsum([0, *(len(line) + 1 for line in self.text.split("\n"))])
        bounds = np.searchsorted(self.places, lengths).tolist()
        return [(start, end) for start, end in pairwise(bounds) if start < end]

    def words(self) -> list[tuple[int, int]]:
        """(first letter, end) of every word, as `languages.text.words` cuts them where a script writes no spaces."""
        import numpy as np

        found, at = [], 0
        for piece in words(self.text):
            start = self.text.find(piece, at)
            at = start + len(piece) if start >= 0 else at
            found += [match.span() for match in WORD.finditer(self.text, max(start, 0), at)] if start >= 0 else []
        bounds = np.searchsorted(self.places, np.array(found, np.int64).reshape(-1, 2)).tolist()
        return [(low, high) for low, high in bounds if low < high]

    def begins_word(self, letter: int) -> bool:
        """Whether a word may begin at this letter: none stands directly before it, or its script writes no spaces."""
        if letter == 0 or letter == len(self.places) or self.places[letter] - self.places[letter - 1] > 1:
            return True
        return UNSPACED.match(self.text, int(self.places[letter])) is not None

    def between(self, start: int, end: int) -> int:
        """How many letters `text[start:end]` has."""
        import numpy as np

        return int(np.diff(np.searchsorted(self.places, [start, end]))[0])


def stretches(text: str) -> Iterator[tuple[int, str]]:
    """(place, part) of a long text, so that memory stays flat; each begins `OVERLAP` before the last one ends."""
    start = 0
    while start + STRETCH < len(text):
        end = start + STRETCH
        end = next((at for at in range(end, end - OVERLAP // 4, -1) if text[at].isspace()), end)
        yield start, text[start:end]
        start = next((at for at in range(end - OVERLAP, end) if text[at].isspace()), end - OVERLAP)
    yield start, text[start:]


def sentence_around(text: str, start: int, end: int, begins: bool = False, ends: bool = False) -> tuple[int, int]:
    """The sentence, or sentences, that hold `text[start:end]`: to a full stop or a break of the layout.

    Where neither is near, as in a transcript without punctuation, the passage itself. So, too, on a side where the
    passage `begins` or `ends` its sentence, and what is joined to it there is more than a stump: `STUMP` words, a
    sentence's part on other lines, or, by the capital between them, a sentence of its own.
    """
    first, last = _to_stops(text, start, end)
    before, after = (sum(map(_is_word, words(side))) for side in (text[first:start], text[end:last]))
    if begins and before and (before >= STUMP or CAPITAL.match(text, start) or _runs_over(text, first)):
        first = start - len(OPENING.search(text[max(0, start - STUMP) : start])[0])
    if ends and after and (after >= STUMP or CAPITAL.match(text, end) or _runs_over(text, last + 1)):
        last = end + len(SIGNS.match(text[end : end + STUMP])[0])
    return first, last


def _is_word(piece: str) -> bool:
    return WORD.search(piece) is not None


def _runs_over(text: str, start: int) -> bool:
    """Whether the line that begins at `start` continues a sentence of the line before."""
    if not 0 < start < len(text) or text[start - 1] != "\n" or text[start].isspace():
        return False
    before = text[max(0, start - SENTENCE) : start - 1].rpartition("\n")[2].rstrip()
    return bool(before) and not ENDED.search(before)


def _to_stops(text: str, start: int, end: int) -> tuple[int, int]:
    """To the nearest ends of sentences and breaks of the layout on either side."""
    low = max(0, start - SENTENCE)
    before = text[low:start]
    begins = [found.end() for found in BREAK.finditer(before)] + [found.end() for found in END.finditer(before)]
    if low == 0:
        begins.append(0)
    first = low + max(begins) if begins else start
    after = text[end : end + SENTENCE]
    broken, ended = BREAK.search(after), END.search(after)
    ends = [broken.start()] if broken else []
    if ended:
        ends.append(ended.start() + len(ended[0].rstrip()))
    if end + SENTENCE >= len(text):
        ends.append(len(after))
    last = end + min(ends) if ends else end
    return first, last


def cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """`text` without these spans (ascending, apart); a line that no letter is left of goes, the others stay."""
    lines, start, passed = [], 0, 0
    for line in text.split("\n"):
        end = start + len(line)
        while passed < len(spans) and spans[passed][1] <= start:
            passed += 1
        beyond = bisect_left(spans, end, lo=passed, key=itemgetter(0))
        inside = [(max(low, start), min(high, end)) for low, high in spans[passed:beyond]]
        if inside:
            edges = [start, *(edge for span in inside for edge in span), end]
            kept = ""
            for low, high in zip(edges[::2], edges[1::2], strict=True):
                piece = text[low:high]
                kept += piece.lstrip(" ") if low > start and (not kept or kept[-1].isspace()) else piece
            if any(map(str.isalnum, kept)):
                lines.append(kept.rstrip(" ") if inside[-1][1] == end else kept)
        else:
            lines.append(line)
        start = end + 1
    return "\n".join(lines)


@lru_cache
def _tables() -> Any:
    """Of each of the first 65,536 characters: how many letters it folds to, and where they are in the third table."""
    import numpy as np

    folded = [folded_letters(chr(code)) for code in range(0x10000)]
    sizes = np.array([len(one) for one in folded], "u1")
    starts = np.cumsum(sizes, dtype=np.int64) - sizes
    return sizes, starts, np.frombuffer("".join(folded).encode("utf-32-le"), "<u4")
