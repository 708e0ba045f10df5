"""Text made uniform without touching anybody's spelling: what happens to each character (table: docs/corpus.md).

Removed is only what carries nothing in any script. Joiners, directional marks and zero width spaces are spelling in
some scripts and litter in others, so their neighbours decide. ftfy repairs more, by guesses that were tuned on
European text and that its authors advise against for anything else; unicodedata does the rest.
"""

import re
import unicodedata

import regex

NONCHARACTERS = "".join(chr(plane + code) for plane in range(0, 0x110000, 0x10000) for code in (0xFFFE, 0xFFFF))
# Every character that is looked at more closely; most texts hold none. `re` is fast on classes of 16 bits alone
ODD = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff"
    "\ufff0-\ufffc\ufffe\uffff]"
)
FAR = re.compile("[\U0001fffe-\U0001ffff\U0002fffe-\U0002ffff\U0003fffe-\U0010ffff]")
LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# the C1 controls are what windows-1252 was taken for, where they are not what ISO 6429 means by them
WINDOWS = {
    code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
NEXT_LINE = "\x85"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ufff9-\ufffc]")  # become a space
HYPHENATED = re.compile("\u00ad[ \t]*\n[ \t]*")  # a word that was divided at the end of a line
NOTHING = re.compile(
    "[\u00ad\u202a-\u202e\u2060-\u206f\ufeff\ufdd0-\ufdef\ufff0-\ufff8\U000e0000-\U000e001f\U000e0080-\U000e00ff"
    f"{NONCHARACTERS}]"
)
SURROGATE = re.compile("[\ud800-\udfff]")
TAGS = regex.compile(r"(?<!\U0001F3F4[\U000E0020-\U000E007E]*)[\U000E0020-\U000E007F]+")  # but in a flag
# letters that no joiner shapes; beside nothing else than these, spaces and signs it is litter
PLAIN = r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Armenian}\p{Georgian}\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana}\p{N}\p{P}\s]"
ACCENTS = "[\u0300-\u036f\u200b-\u200f\u061c]*"
JOINERS = regex.compile(rf"(?<=(?:^|{PLAIN}){ACCENTS})[\u200c\u200d]+(?={ACCENTS}(?:{PLAIN}|$))", regex.MULTILINE)
MARKS = re.compile("[\u200e\u200f\u061c]")
RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
DIVIDED = r"[\p{LB=SA}\p{LB=AK}\p{LB=AS}\p{Tibetan}]"  # letters between which a zero width space ends a word
ZERO_SPACE = regex.compile(rf"(?<={DIVIDED})(\u200b)\u200b*(?={DIVIDED})|\u200b+")
MONGOLIAN = regex.compile(r"(?<=\p{Mongolian})\u202f(?=\p{Mongolian})")

APOSTROPHES = "'‘’`´"
ELIDED = f"{APOSTROPHES}ʼ"
LETTERS = "ʼʻʽ"  # modifier letters that are apostrophes in print
# scripts that have no apostrophe: there the same signs are quotation marks
WITHOUT = re.compile("[\u0600-\u1cff\u2e80-\ua63f\ua800-\uab2f\uabc0-\ufaff\ufe70-\uffef]")
MARK = regex.compile(rf"(?<=(\p{{L}}\p{{M}}*)?)[{APOSTROPHES}{LETTERS}](?=(\p{{L}})?)")


def normalize(text: str, apostrophe: str | None = None) -> str:
    """NFC, nothing that carries nothing, one space between words, no empty lines; lines end as `\\n`.

    Apostrophes become `apostrophe`, the language's one, since the same word is otherwise spelled in two ways by two
    keyboards; with "" they stay, and without one (another language) only those become ' that are no letter anywhere.
    Quotation marks stay: they are no spelling, and their styles are worth knowing.
    """
    if ODD.search(text) or FAR.search(text):
        text = _seen(text)
    text = unicodedata.normalize("NFC", text)
    if apostrophe is None:
        text = _elided(text, APOSTROPHES, "'")
    elif apostrophe:
        text = _lettered(text, apostrophe) if apostrophe in LETTERS else _elided(text, ELIDED, apostrophe)
    lines = map(_spaced, text.split("\n"))
    return "\n".join(line for line in lines if line)


def _seen(text: str) -> str:
    """The text without what cannot be seen and carries nothing."""
    windows = any(code in text for code in map(chr, WINDOWS) if code != NEXT_LINE)
    text = text.translate(WINDOWS) if windows else text  # among its quotes and dashes, 0x85 is the ellipsis
    text = HYPHENATED.sub("", LINE_ENDS.sub("\n", text))
    text = CONTROL.sub(" ", SURROGATE.sub("\ufffd", NOTHING.sub("", text)))
    text = JOINERS.sub("", ZERO_SPACE.sub(r"\1", TAGS.sub("", text)))
    if MARKS.search(text):
        lines = text.split("\n")
        text = "\n".join(line if RIGHT_TO_LEFT.search(line) else MARKS.sub("", line) for line in lines)
    return text


def _spaced(line: str) -> str:
    """One space between words. The narrow space between a Mongolian word and its suffix is spelling."""
    if "\u202f" not in line or not MONGOLIAN.search(line):
        return " ".join(line.split())
    return "\u202f".join(" ".join(part.split()) for part in MONGOLIAN.split(line))


def _elided(text: str, signs: str, apostrophe: str) -> str:
    """Apostrophes that are punctuation, wherever no letter of a script without apostrophes is beside them."""
    if WITHOUT.search(text):
        return str(regex.sub(rf"(?<!{WITHOUT.pattern})[{signs}](?!{WITHOUT.pattern})", apostrophe, text))
    for sign in signs:
        text = text.replace(sign, apostrophe)
    return text


def _lettered(text: str, letter: str) -> str:
    """Apostrophes as a letter of the alphabet: every one but those that enclose a quotation."""
    return "\n".join(_line_lettered(line, letter) for line in text.split("\n"))


def _line_lettered(line: str, letter: str) -> str:
    found, opened = {}, list[int]()
    for match in MARK.finditer(line):
        before, after, at = bool(match[1]), bool(match[2]), match.start()
        if match[0] in LETTERS or (before and after):
            found[at] = letter
        elif after:
            found[at] = letter
            opened.append(at)
        elif opened:
            del found[opened.pop()]  # that one and this one enclose a quotation
        elif before:
            found[at] = letter
    return "".join(found.get(at, character) for at, character in enumerate(line)) if found else line
