"""Rows of another language brought into the one to be learned, each kept whole or rejected with its reason.

A message goes sentence by sentence: spans hidden, translated through the cache, put back. Where an engine lost a span,
the sentence is translated again in the pieces around it. A row is checked as a whole in the end, so a row that is kept
has all its spans, whatever happened on the way.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from llimba import progress
from llimba.languages.profile import Language
from llimba.languages.text import fold, words
from llimba.models.translators.engine import Engine, Translation
from llimba.packages import cache_folder
from llimba.recipe import TranslationSection
from llimba.records import Conversation, Pair
from llimba.stages.instruct.cache import TranslationCache
from llimba.stages.instruct.segments import blocks, segments
from llimba.stages.instruct.spans import Hidden, has_words, hide, missing, pieces, restore

logger = logging.getLogger(__name__)

WORDS_TO_TELL = 6  # a shorter text is neither judged by its language nor by whether it changed
Row = Conversation | Pair
Identify = Callable[[str], str | None]  # a text's language, or None where it cannot be told


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that is left out: by which rule, with what it was seen by, and the row itself."""

    rule: str
    detail: str
    record: Row


def by_rule(rejected: Iterable[Rejection]) -> dict[str, int]:
    """How many were rejected under each rule."""
    return dict(Counter(row.rule for row in rejected))


@dataclass
class Result:
    """What became of a source's rows."""

    kept: list[Row] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)


class _Unfit(Exception):
    """Why a row is rejected: rule and detail."""


def translate_rows(
    rows: Sequence[Row], settings: TranslationSection, language: Language, engine: Engine, identify: Identify | None
) -> Result:
    """Translate conversations (every message) and pairs (the source side gives them the missing target side).

    Into the language to be learned, or into `settings.target_language`. Without `identify` no row is rejected
    for its language.
    """
    chosen, result = list(rows)[: settings.max_rows], Result()
    source, target = settings.source_language, settings.target_language or language.code
    with closing(TranslationCache(cache_folder() / "translations", engine)) as cache:
        book = _Book(cache, source)
        book.fill([text for row in chosen for text in _texts(row, source)], title=f"translating by {engine.name}")
        for row in chosen:
            try:
                result.kept.append(_row(row, settings, target, engine.name, book, identify))
            except _Unfit as unfit:
                rule, detail = unfit.args
                result.rejected.append(Rejection(rule, detail, row))
    result.facts = {
        "engine": engine.name,
        "identity": engine.identity,
        "rows": len(chosen),
        "kept": len(result.kept),
        "rejected": by_rule(result.rejected),
        "sentences": {"translated": cache.made, "from_the_cache": cache.found, "in_pieces": book.in_pieces},
        "spans_intact": _intact(chosen, result.kept, source, target),
    }
    logger.info(
        "  %s: %d of %d rows kept, rejected: %s; %d sentences translated, %d from the cache",
        engine.name, len(result.kept), len(chosen), result.facts["rejected"] or "none", cache.made, cache.found,
    )  # fmt: skip
    return result


class _Book:
    """Sentences and pieces with their translations, made in few large calls."""

    def __init__(self, cache: TranslationCache, language: str) -> None:
        self._cache, self._language, self.in_pieces = cache, language, 0
        self._known: dict[str, Translation] = {}
        self._sentences: dict[str, tuple[str, int] | None] = {}

    def fill(self, texts: Iterable[str], title: str) -> None:
        """Translate all sentences of the texts; what lost a span a second time, in pieces."""
        wanted = dict.fromkeys(s.text for text in texts for s in segments(text, self._language) if s.translate)
        hidden = {sentence: hide(sentence) for sentence in wanted}
        self._translate([h.text for h in hidden.values()], title)
        lost = [sentence for sentence, h in hidden.items() if restore(self._known[h.text].text, h) is None]
        cut = {sentence: pieces(sentence) for sentence in lost}
        self._translate([p.strip() for parts in cut.values() for p, translate in parts if translate], f"{title}, again")
        self.in_pieces += len(lost)
        for sentence, h in hidden.items():
            whole = sentence not in cut
            self._sentences[sentence] = _whole(h, self._known) if whole else _joined(cut[sentence], self._known)

    def message(self, text: str) -> tuple[str, int, int]:
        """A message's translation, its unknown words, and how many words were translated."""
        parts, unknown, length = [], 0, 0
        for segment in segments(text, self._language):
            if not segment.translate:
                parts.append(segment.text)
                continue
            made = self._sentences[segment.text]
            if made is None or not made[0]:
                raise _Unfit("no translation", f"of: {segment.text}")
            parts.append(made[0])
            unknown += made[1]
            length += len(words(segment.text))
        return "".join(parts), unknown, length

    def _translate(self, sentences: Sequence[str], title: str) -> None:
        wanted = [sentence for sentence in dict.fromkeys(sentences) if sentence not in self._known]
        if wanted:
            with progress.bar(title, len(wanted), "sentences") as bar:
                self._known.update(self._cache.translate(wanted, bar.advance))


def _whole(hidden: Hidden, known: dict[str, Translation]) -> tuple[str, int]:
    made = known[hidden.text]
    restored = restore(made.text, hidden)
    assert restored is not None
    return restored, max(0, made.unknown - len(hidden.spans))  # the made-up words are unknown to everybody


def _joined(parts: Sequence[tuple[str, bool]], known: dict[str, Translation]) -> tuple[str, int] | None:
    """The pieces side by side, with the white space that stood around each."""
    text, unknown = "", 0
    for part, translate in parts:
        if not translate:
            text += part
            continue
        made = known[part.strip()]
        if not made.text:
            return None
        start = part.find(part.strip())
        text += part[:start] + made.text + part[start + len(part.strip()) :]
        unknown += made.unknown
    return text, unknown


def _texts(row: Row, language: str) -> list[str]:
    if isinstance(row, Pair):
        return [row.texts[language]] if language in row.texts else []
    return row.contents


def _row(
    row: Row, settings: TranslationSection, target: str, engine: str, book: _Book, identify: Identify | None
) -> Row:
    originals = _texts(row, settings.source_language)
    if isinstance(row, Pair) and (not originals or target in row.texts):
        raise _Unfit("no such side", f"the pair has {', '.join(row.texts)}")
    made = [_message(text, settings, target, book, identify) for text in originals]
    if isinstance(row, Pair):
        return replace(row, texts={**row.texts, target: made[0]}, origin="mt", engine=engine)
    rejected = made.pop() if row.rejected else ""
    messages = [{**message, "content": text} for message, text in zip(row.messages, made, strict=True)]
    return replace(row, messages=messages, rejected=rejected, origin="mt", engine=engine)


def _message(text: str, settings: TranslationSection, target: str, book: _Book, identify: Identify | None) -> str:
    """One message's translation; raises `_Unfit` with the first rule that it fails."""
    made, unknown, words = book.message(text)
    if lost := lost_spans(text, made):
        raise _Unfit("protected span", f"lost: {', '.join(lost[:5])}")
    if not words:
        return made
    if unknown > settings.max_unknown * words:
        raise _Unfit("unknown words", f"{unknown} of {words} words")
    ratio = len(made) / len(text)
    if not settings.min_length_ratio <= ratio <= settings.max_length_ratio:
        raise _Unfit("length ratio", f"{ratio:.2f}: {made[:200]}")
    if words >= WORDS_TO_TELL:
        if fold(made) == fold(text):
            raise _Unfit("unchanged", made[:200])
        if identify is not None and (found := identify(prose(made, target))) not in (None, target):
            raise _Unfit("language", f"{found}: {made[:200]}")
    return made


def prose(text: str, language: str) -> str:
    """The sentences of a message without code and spans: what a language can be told by."""
    return " ".join(hide(s.text).text for s in segments(text, language) if s.translate and has_words(s.text))


def lost_spans(original: str, translated: str) -> list[str]:
    """Protected blocks, spans and numbers of a message that its translation lacks."""
    outside, there = original, translated
    lost = []
    for block in blocks(original):
        if block not in translated:
            lost.append(block)
        outside, there = outside.replace(block, " ", 1), there.replace(block, " ", 1)
    return lost + missing(outside, there)


def _intact(originals: Sequence[Row], kept: Sequence[Row], source: str, target: str) -> dict[str, int]:
    """Counted once more over what is kept, from the rows themselves: with spans, and with all their spans there."""
    by_id = {row.id: row for row in originals}
    rows = intact = 0
    for row in kept:
        pairs = list(zip(_texts(by_id[row.id], source), _texts(row, target), strict=True))
        rows += any(missing(text, "") or blocks(text) for text, _ in pairs)
        intact += not any(lost_spans(text, made) for text, made in pairs)
    return {"rows_with_spans": rows, "rows_intact": intact, "rows": len(kept)}
