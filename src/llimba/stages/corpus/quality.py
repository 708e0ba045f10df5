"""Is a document a page of running text? The thresholds of the rules are in the language profile, and nowhere else.

The measures are those of Gopher (Rae et al. 2021) and FineWeb (Penedo et al. 2024). datatrove has both as filters, but
with English stop words and thresholds, with word tokenizers that a small language lacks, and without
the value that a document was rejected for. A rule that a script has nothing to be measured by is left out.
"""

from collections.abc import Callable

import regex

from llimba.languages.profile import Quality
from llimba.languages.text import repeated_words, words
from llimba.stages.corpus.measure import Measured, in_script, measure
from llimba.stages.corpus.rules import Rejection

JUDGED_FROM = 20  # words: shares of a shorter text say little
JUDGED_CHARACTERS = 400  # so many in fewer words are no words
LISTED_FROM = 5  # lines: below that a list is no list

LAST = 8  # characters of a line that its end is looked for in
BULLET = regex.compile(r"\s*(?:[-*•·–—▪◦○●■□»>]|\d+[.)])\s")
# the signs that end a sentence in any script, and : ; , a quote or a bracket; ASCII's brackets but ) ] are no prose
ENDED = regex.compile(
    r"(?:[\p{Sentence_Terminal}\p{Terminal_Punctuation}\p{Quotation_Mark}…)\]]|[[\p{Pe}\p{Pf}]--[\x00-\x7f]])[\p{M}\p{Cf}]*$",
    regex.V1,
)

# name, measure (None: nothing to measure by), threshold, whether it is a minimum
Rule = tuple[str, Callable[[Measured, str], float | None], str, bool]


def _share(count: float, of: float) -> float:
    return count / of if of else 0.0


def _mean_word(measured: Measured) -> float | None:
    """Letters of a word, where most letters are of scripts that put spaces between words."""
    return None if 2 * measured.spaced < measured.letters else _share(measured.spaced, measured.runs)


def _repeated(measured: Measured) -> float:
    """The share of words that repeat; a line that occurs again counts half, since the pass over lines looks at it too.

    A song's refrain is no fault of the song, and a page of nothing but copies still is.
    """
    whole = repeated_words(measured.words)
    lines = dict.fromkeys(measured.lines)
    if not whole or len(lines) == len(measured.lines):
        return whole
    return max(whole / 2, repeated_words([word for line in lines for word in words(line)]))


def _ended(measured: Measured) -> float | None:
    """The share of lines that end as a sentence does, where the script has signs for it."""
    if 2 * measured.endless > measured.letters:
        return None
    return _share(sum(bool(ENDED.search(line[-LAST:])) for line in measured.lines), len(measured.lines))


RULES: tuple[Rule, ...] = (
    ("words too short", lambda m, _: _mean_word(m), "min_mean_word", True),
    ("words too long", lambda m, _: _mean_word(m), "max_mean_word", False),
    ("symbols", lambda m, _: m.symbols / m.visible, "max_symbol_share", False),
    ("digits", lambda m, _: m.digits / m.visible, "max_digit_share", False),
    ("foreign letters", lambda m, alphabet: _in_alphabet(m, alphabet), "min_alphabet_share", True),
    ("capitals", lambda m, _: _share(m.capitals, m.letters), "max_capital_share", False),
    ("repetition", lambda m, _: _repeated(m), "max_repeated_words", False),
    ("a list", lambda m, _: _listed(m.lines), "max_list_lines", False),
    ("no sentences", lambda m, _: _ended(m), "min_ended_lines", True),
)


def values(measured: Measured, alphabet: str) -> dict[str, float]:
    """What each threshold is compared with, by its name in the profile; without rules that measure nothing here."""
    found = ((field, value_of(measured, alphabet)) for _, value_of, field, _ in RULES)
    return {field: round(value, 4) for field, value in found if value is not None}


def judge(text: str, quality: Quality, alphabet: str) -> Rejection | None:
    """The first rule that a text breaks; None for a good page, and for one too short to be judged.

    `alphabet` holds the language's letters in lower case, or its scripts (`\\p{Deva}`); empty where it is not known,
    and then any letter will do.
    """
    measured = measure(text)
    if len(measured.words) < JUDGED_FROM and measured.visible < JUDGED_CHARACTERS:
        return None
    for name, value_of, field, minimum in RULES:
        value, threshold = value_of(measured, alphabet), getattr(quality, field)
        if value is None:
            continue
        value = round(value, 4)
        if value < threshold if minimum else value > threshold:
            return Rejection(name, value, threshold)
    return None


def _in_alphabet(measured: Measured, alphabet: str) -> float:
    if not alphabet or not measured.letters:
        return 1.0
    return in_script(measured.text, alphabet) / measured.letters


def _listed(lines: list[str]) -> float:
    if len(lines) < LISTED_FROM:
        return 0.0
    return sum(bool(BULLET.match(line)) for line in lines) / len(lines)
