"""How well decoded text looks like writing: this decides which of several encodings the bytes were written in.

A wrong encoding leaves traces that need no dictionary: signs within words, capitals after small letters, two scripts in
one word, control characters, Han characters that nobody uses. The letters of the source's language (CLDR's list, or its
profile's alphabet) distinguish encodings of one script, such as windows-1250 and windows-1252. charset-normalizer's
"mess" asks only for the former, and ftfy's badness only for what UTF-8 looks like as windows-1252.
"""

import unicodedata
from collections import Counter
from functools import lru_cache

import regex

# signs of printed text beyond ASCII: all others are rare in prose
COMMON = frozenset(
    "“”„‟‘’‚‹›«»–—―…·•°§€£¿¡©®™ºª²³½¼¾×¶\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u3000"
    "、。「」『』（），．：；？！・《》〈〉【】،؛؟٪।॥՝՞՛։־׳״฿"
)
WITHIN = frozenset("’‘·•\u00ad‧׳״־–—…\u200b\u200c\u200d")  # signs that words have inside
CJK = frozenset(("Han", "Hiragana", "Katakana", "Hangul", "Bopomofo"))
SCRIPTS = ("Latin", "Cyrillic", "Greek", "Hebrew", "Arabic", "Thai", "Armenian", "Georgian", *sorted(CJK))
# Han characters that are taught first, as the standards of China, Taiwan and Japan list them before the others
FIRST_HAN = (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6), ("euc_jp", 0xB0, 0xCF))
# letters that stood for others in the encodings of before Unicode: Romanian, Persian and Urdu
OLDER = {"ș": "ş", "ț": "ţ", "ی": "ي", "ک": "ك"}
# What a character is worth: 1 for a letter of the language or a usual sign
OTHER_LETTER, OTHER_SCRIPT, RARE = 0.0, -0.3, -0.5
TRACE = -5.0  # of a wrong encoding


@lru_cache(maxsize=2**16)
def script_of(character: str) -> str:
    """The script of a letter or mark as Unicode names it, "other" for one that is not listed here, "" for no letter."""
    if not unicodedata.category(character).startswith(("L", "M")):
        return ""
    return next((name for name in SCRIPTS if regex.match(rf"\p{{Script={name}}}", character)), "other")


def plausibility(text: str, letters: str = "") -> tuple[float, int]:
    """(mean worth, number) of the characters beyond ASCII; (0, 0) where there are none. 1 is the best.

    `letters`: those of the language, in either case; "" where they are not known, and any letter is as good then.
    """
    language = _language(letters)
    total, number = 0.0, 0
    for word, times in Counter(text.split()).items():
        if not word.isascii():
            worth, characters = _word(word, language)
            total += worth * times
            number += characters * times
    return (total / number if number else 0.0), number


def best_language(text: str) -> str:
    """The letters of that language of the table which has most of the letters beyond ASCII in the text.

    "" where none has nearly all of them, as for Chinese, of whose characters there is no list.
    """
    from llimba.languages.letters import alphabets  # the parsers' process, which never asks, should start quickly

    found = Counter(character for character in text if not character.isascii() and script_of(character)).most_common(60)
    best, most = "", 0.8 * sum(number for _, number in found)
    for letters in alphabets():
        covered = sum(number for character, number in found if character in letters)
        if covered > most or (covered == most and len(letters) < len(best)):
            best, most = letters, covered
    return best


Language = tuple[frozenset[str], frozenset[str]]  # letters beyond ASCII, scripts


@lru_cache
def _language(letters: str) -> Language:
    letters += "".join(older for newer, older in OLDER.items() if newer in letters)
    known = frozenset(letters + letters.upper())
    return known, frozenset(script_of(letter) for letter in known) - {"", "other"}


def _word(word: str, language: Language) -> tuple[float, int]:
    """(worth, number) of the characters beyond ASCII in what stands between two spaces."""
    worth, number = 0.0, 0
    scripts = ["", *map(script_of, word), ""]
    before = ""
    for at, character in enumerate(word, 1):
        script = scripts[at]
        if not character.isascii():
            number += 1
            worth += _letter(character, script, before, language) if script else _sign(character, scripts, at)
        if script and before and script != before and "other" not in (script, before) and not {script, before} <= CJK:
            worth += TRACE
        previous = word[at - 2] if at > 1 else ""
        if character.isupper() and previous.islower() and not (character + previous).isascii():
            worth += TRACE
        before = script
    if number > 2 and sum(map(str.isupper, word)) > len(word) / 2:
        worth -= 0.2 * number  # whole words in capitals are rarer than others
    return worth, number


def _letter(character: str, script: str, before: str, language: Language) -> float:
    letters, scripts = language
    if not before and unicodedata.category(character).startswith("M"):
        return TRACE  # a mark on nothing
    if scripts and script not in scripts:
        return OTHER_SCRIPT
    if script in CJK:
        return 1.0 if script != "Han" or _taught_first(character) else OTHER_LETTER
    return 1.0 if not letters or character in letters else OTHER_LETTER


def _sign(character: str, scripts: list[str], at: int) -> float:
    if unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs") or character == "\ufffd":
        return TRACE
    around = {scripts[at - 1], scripts[at + 1]}
    if "" not in around and character not in WITHIN and not around <= CJK | {"other", "Thai"}:
        return TRACE
    return 1.0 if character in COMMON else RARE


@lru_cache(maxsize=2**14)
def _taught_first(character: str) -> bool:
    for encoding, first, last in FIRST_HAN:
        data = character.encode(encoding, "ignore")
        if data and first <= data[0] <= last:
            return True
    return False
