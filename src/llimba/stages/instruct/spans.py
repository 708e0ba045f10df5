"""Spans of a text that no translation may touch: found, replaced by placeholders, put back, verified.

Code, URLs, markup, formulas, template placeholders, mentions and names in quotes are hidden from the engine behind
made-up words. Numbers stay in the sentence, since every engine copies them and grammar depends on them; that they
came through is checked. Why not Apertium's own format handling: it knows HTML, not Markdown, and no other engine
could use it.
"""

import re
from collections import Counter
from typing import NamedTuple

NAME = "[A-ZÀ-Ý0-9][\\w'’.-]*"  # a word of one; short words may stand between
NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
HIDDEN = re.compile(
    "|".join(
        (
            r"`[^`\n]+`",  # inline code
            r"\\\(.+?\\\)|\\\[.+?\\\]|\$[^$\s][^$\n]*?[^$\s\\]\$",  # formulas
            r"(?:https?://|www\.)[^\s<>\"')\]]*[^\s<>\"')\].,;:!?]",  # URLs
            r"[\w.+-]+@[\w-]+\.[\w.-]*\w",  # addresses
            r"</?[a-zA-Z][^<>\n]*>|&[a-zA-Z]+;|&#\d+;",  # tags and entities
            r"\{\{[^{}\n]*\}\}|\$?\{[^{}\n]*\}|%\(\w+\)[sdif]|%[sdif]\b|\[[A-Z][A-Z0-9_ ]+\]",  # placeholders
            r"\]\([^()\s]*\)",  # the target of a Markdown link
            r"\*{1,3}|_{2,3}|~~",  # emphasis
            r"(?<!\w)[@#][A-Za-z_]\w*",  # mentions and tags
            f'["“«„]\\s?{NAME}(?:(?:\\s\\w{{1,3}}){{0,2}}\\s{NAME}){{0,4}}\\s?["”»“]',  # names in quotes
        )
    )
)
LETTERS = "abcdefghijklmnoprstuvw"  # of a made-up word's number


class Hidden(NamedTuple):
    """A sentence with made-up words in place of its spans."""

    text: str
    spans: list[str]  # the n-th made-up word stands for the n-th of these


def hide(sentence: str) -> Hidden:
    """Replace every span by a word that no engine knows, and so copies."""
    spans: list[str] = []

    def word(match: re.Match[str]) -> str:
        spans.append(match[0])
        return made_up(len(spans) - 1)

    return Hidden(HIDDEN.sub(word, sentence), spans)


def made_up(index: int) -> str:
    """The word for the span with this index: Zqxa, Zqxb, ... Zqxba."""
    digits = ""
    while True:
        index, digit = divmod(index, len(LETTERS))
        digits = LETTERS[digit] + digits
        if index == 0:
            return f"Zqx{digits}"


def restore(translated: str, hidden: Hidden) -> str | None:
    """Put the spans back; None where one was lost or doubled, or a number did not come through."""
    found = Counter(match[0].capitalize() for match in re.finditer(r"zqx[a-w]+", translated, re.IGNORECASE))
    if found != Counter(made_up(index) for index in range(len(hidden.spans))):
        return None
    if Counter(NUMBER.findall(translated)) != Counter(NUMBER.findall(hidden.text)):
        return None
    by_word = {made_up(index): span for index, span in enumerate(hidden.spans)}
    return re.sub(r"zqx[a-w]+", lambda match: by_word[match[0].capitalize()], translated, flags=re.IGNORECASE)


def pieces(sentence: str) -> list[tuple[str, bool]]:
    """The sentence cut at its spans and numbers: (text, whether it is to be translated); joined, they give it back."""
    cut: list[tuple[str, bool]] = []
    end = 0
    for match in re.finditer(f"{HIDDEN.pattern}|{NUMBER.pattern}", sentence):
        cut += [(sentence[end : match.start()], True), (match[0], False)]
        end = match.end()
    cut.append((sentence[end:], True))
    return [(text, has_words(text) and translated) for text, translated in cut if text]


def has_words(text: str) -> bool:
    """Whether there is anything to translate: a letter outside the spans."""
    return any(character.isalpha() for character in HIDDEN.sub(" ", text))


def missing(original: str, translated: str) -> list[str]:
    """The spans and numbers of `original` that `translated` does not hold as often; empty when all is intact."""
    wanted = Counter(match[0] for match in HIDDEN.finditer(original))
    lost = [span for span, times in wanted.items() if translated.count(span) < times]
    numbers = Counter(NUMBER.findall(HIDDEN.sub(" ", original)))
    there = Counter(NUMBER.findall(HIDDEN.sub(" ", translated)))
    return lost + sorted(((numbers - there) + (there - numbers)).elements())
