"""Text of unknown encoding: the one place that turns the bytes of pages and text files into characters.

The evidence, in this order: a byte order mark; whether the bytes are UTF-8, all of them or nearly; then, weighed
against one another (`plausible.py`): what HTTP, WARC or the page itself declares, what chardetng (Firefox's detector)
says, and the letters of the source's language. A declaration that the text contradicts is overruled, and reported.
Labels mean what they mean to browsers (webencodings: iso-8859-1 is windows-1252). chardetng alone decodes 91 % of 87
combinations of language and encoding, charset-normalizer 75 %, chardet 73 % (docs/log.md). Text that was decoded
wrongly before it was saved, such as UTF-8 read as Latin-1, stays as it is: nothing here repairs it, as ftfy would.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from llimba.stages.sources.plausible import best_language, plausibility
from llimba.stages.sources.unsafe import Unsafe

# The web's encodings have the names of the Encoding Standard. Older files come from DOS and the Macintosh as well.
WEB = (
    "windows-1252", "windows-1250", "windows-1251", "windows-1253", "windows-1254", "windows-1255", "windows-1256",
    "windows-1257", "windows-1258", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7",
    "iso-8859-8", "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16", "koi8-r", "koi8-u",
    "ibm866", "macintosh", "x-mac-cyrillic", "windows-874", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr",
)  # fmt: skip
OLD = (
    "cp437", "cp737", "cp775", "cp850", "cp852", "cp857", "cp862", "mac-latin2", "mac-greek", "mac-turkish",
    "mac-iceland", "mac-croatian", "mac-romanian",
)  # fmt: skip
WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
MARKS = (  # UTF-32's little-endian mark begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
PYTHON = {"euc-jp": "euc_jis_2004", "iso-2022-jp": "iso2022_jp_ext"}  # these know the characters that vendors added
HEAD_BYTES = 4096  # of a page, in which it says its charset; browsers look at 1,024
SAMPLE_BYTES = 2**15  # of lines with bytes beyond ASCII: enough to decide on
NEARLY = 10  # times as many characters of UTF-8 as bytes that are none: the text is UTF-8 all the same
# Added to the mean worth of an encoding's text (1 is the best): for the detector's word, for the page's (more where the
# detector never says so, less where servers say so of everything); taken away for encodings of before the web
GUESSED, DECLARED, UNGUESSED, USUAL, DISUSED = 0.04, 0.03, 0.06, 0.01, -0.03
BEYOND_GUESSES = ("iso-8859-3", "iso-8859-10", "iso-8859-14", "iso-8859-16", "macintosh", "x-mac-cyrillic")
USUALLY = "windows-1252"  # what servers declare of pages that they know nothing of
HINTED = 0.25  # share of those words that counts where the letters of the language are known
FEW = 10  # characters; with fewer, those words count for more than the text
FITS = 0.9  # mean worth from which on the text is in the language whose letters were given
NO_TEXT = 0.3  # mean worth of the best encoding, below which the bytes are no text

_IN_META = re.compile(
    rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)|^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)""", re.I
)
_PARAMETER = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.I)
_UNSEEN = re.compile(rb"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^<>]*>", re.I | re.S)
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_CONTROLS = bytes({*range(32)} - {*b"\t\n\f\r\x1a\x1b"})  # 1A ended the files of DOS
_SHIFT = re.compile(rb"\x1b(\$[@B]|\([BIJ]|\$\([DO-Q])")  # of ISO-2022-JP


class Choice(NamedTuple):
    """An encoding by its name, and the label that it overrules; "" where none is overruled."""

    encoding: str
    overruled: str = ""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text, how its encoding was chosen, and how many bytes or byte pairs have no character: each is U+FFFD."""

    text: str
    choice: Choice
    replaced: int = 0


def decode(
    data: bytes, declared: str = "", letters: str = "", *, page: bool = False, errors: str = "replace"
) -> Decoded:
    """The characters of `data`; a `page` may declare its encoding in its own head.

    `declared` is the label that came with the data, `letters` are those of its language; `errors` is the codec's
    handler of bytes that have no character. Raises `Unsafe` for what is text in no encoding.
    """
    choice = choose(data, declared, letters, page=page)
    bare = next((data[len(mark) :] for mark, name in MARKS if name == choice.encoding and data.startswith(mark)), data)
    text = bare.decode(codec(choice.encoding), errors)
    replaced = text.count("\ufffd") - (bare.count("\ufffd".encode()) if choice.encoding == "utf-8" else 0)
    # windows-1258 writes a Vietnamese tone after its vowel
    return Decoded(unicodedata.normalize("NFC", text) if choice.encoding == "windows-1258" else text, choice, replaced)


def choose(data: bytes, declared: str = "", letters: str = "", *, page: bool = False) -> Choice:
    """The encoding that `data` is most likely in; parameters and errors as for `decode`."""
    labels = [label for label in (declared, *(_in_head(data[:HEAD_BYTES]) if page else ())) if label]
    marked = next((name for mark, name in MARKS if data.startswith(mark)), "")
    names = [name for name in map(named, labels) if name]
    encoding = marked or (_wide(data, letters) if _may_be_wide(data, names) else "") or _narrow(data, names, letters)
    if not labels or data.isascii() or _same(data, named(labels[0]), encoding):
        return Choice(encoding)
    return Choice(encoding, labels[0])


def declared_in(content_type: str) -> str:
    """The charset of a media type such as `TEXT/HTML; Charset="iso-8859-2"`; "" where it names none."""
    found = _PARAMETER.search(content_type)
    return found[1] if found else ""


def named(label: str) -> str:
    """The encoding that a label means to browsers, or one of DOS and the Macintosh; "" for an unknown label."""
    import webencodings

    encoding = webencodings.lookup(label)
    if encoding is not None:
        names = {"replacement": "", "gbk": "gb18030", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}
        return names.get(encoding.name, str(encoding.name))
    try:
        name = codecs.lookup(label).name.replace("_", "-")
    except (LookupError, ValueError):
        return ""
    return name if name in (*OLD, *WIDE) else "utf-32-le" if name == "utf-32" else ""


@lru_cache
def codec(encoding: str) -> str:
    """Python's codec for an encoding as `Choice` names it."""
    import webencodings

    found = None if encoding in WIDE else webencodings.lookup(encoding)
    return PYTHON.get(encoding) or (str(found.codec_info.name) if found else encoding)


def _in_head(head: bytes) -> Iterator[str]:
    for found in _IN_META.finditer(head):
        label = (found[1] or found[2]).decode("ascii", "replace")
        # as browsers do: what can be read as ASCII is not in UTF-16
        yield {"utf-16-le": "utf-8", "utf-16-be": "utf-8", "x-user-defined": "windows-1252"}.get(named(label), label)


def _same(data: bytes, one: str, other: str) -> bool:
    """Whether two encodings give the same text of the data."""
    if one == other:
        return True
    return bool(one) and data.decode(codec(one), "replace") == data.decode(codec(other), "replace")


def _may_be_wide(data: bytes, declared: Sequence[str]) -> bool:
    """Whether it is worth asking. Every other byte of Russian in UTF-16 is 4; a stray zero in ASCII says nothing."""
    sample = data[:SAMPLE_BYTES]
    if any(name in WIDE for name in declared) or sum(map(sample.count, _CONTROLS)) > len(sample) / 10:
        return True
    return 0 in sample and not sample.isascii()


def _wide(data: bytes, letters: str) -> str:
    """UTF-16 or UTF-32 without a mark, where the data looks like writing in one of them; "" elsewhere."""
    sample = data[: SAMPLE_BYTES & ~3]
    found = {}
    for name in WIDE:
        text = sample.decode(name, "ignore")
        whole = len(text.encode(name)) >= len(sample) - 2
        if whole and not any(c < "\t" or "\r" < c < " " for c in text):
            found[name] = (
                1.0 if text.isascii() else max(plausibility(text, x)[0] for x in (letters, best_language(text)))
            )
    best = max(found, key=lambda name: found[name], default="")
    return best if best and found[best] >= NO_TEXT else ""


def _narrow(data: bytes, declared: Sequence[str], letters: str) -> str:
    """UTF-8 or an encoding that has ASCII in it; `declared` are names, the most trusted first."""
    if data.isascii():
        return "iso-2022-jp" if _SHIFT.search(data) else "utf-8"
    try:
        data.decode()
    except UnicodeDecodeError:
        return _unknown(data, declared, letters)
    return "utf-8"


def _unknown(data: bytes, declared: Sequence[str], letters: str) -> str:
    """The encoding of what is not UTF-8 throughout."""
    whole = len(_MULTIBYTE.findall(data))
    broken = len(_MULTIBYTE.sub(b"", data).translate(None, bytes(range(128))))
    if whole > broken * (1 if "utf-8" in declared else NEARLY):
        return "utf-8"
    sample = _sample(data)
    if sum(map(sample.count, _CONTROLS)) > len(sample) / 100:
        return _wide_or_none(data, letters)
    guess = _guess(sample)
    texts = {
        name: unicodedata.normalize("NFC", sample.decode(codec(name), "replace"))
        for name in dict.fromkeys((*declared, guess, *WEB, *OLD))
        if name not in WIDE
    }
    said = next((name for name in declared if name != "utf-8" and name in texts), "")
    best, worth = _best(texts, guess, said, letters)
    if worth < FITS and letters:
        best, worth = _best(texts, guess, said, "")
    return best if worth >= NO_TEXT else _wide_or_none(data, letters)


def _wide_or_none(data: bytes, letters: str) -> str:
    """UTF-16 of a script without spaces has no zero bytes; raises `Unsafe` where it is not that either."""
    if wide := _wide(data, letters):
        return wide
    raise Unsafe("unknown encoding: text in none that is known. Convert it to UTF-8, or remove it if it is no text")


def _best(texts: dict[str, str], guess: str, said: str, letters: str) -> tuple[str, float]:
    """The encoding whose text is the most plausible, and the mean worth of that text.

    `texts` by encoding; `guess` is the detector's, `said` the page's ("": none); without `letters` each text is judged
    by those of the language that it is most likely in.
    """
    worth = {text: plausibility(text, letters or best_language(text)) for text in dict.fromkeys(texts.values())}
    weight = USUAL if said == USUALLY else UNGUESSED if said in (*BEYOND_GUESSES, *OLD) else DECLARED

    def score(name: str) -> float:
        text = texts[name]
        mean, number = worth[text]
        words = GUESSED * (text == texts[guess]) + (weight * (text == texts[said]) if said else 0)
        return mean + words * (HINTED if letters else 1) * (1 + FEW / max(number, 1)) + (DISUSED if name in OLD else 0)

    best = max(texts, key=score)
    return best, worth[texts[best]][0]


def _sample(data: bytes) -> bytes:
    """The first lines that hold more than ASCII, without tags, scripts and styles."""
    lines, size = [], 0
    for line in _UNSEEN.sub(b" ", data[: 2**22]).splitlines() or [data]:
        if not line.isascii():
            lines.append(line[:SAMPLE_BYTES])
            size += len(line)
        if size > SAMPLE_BYTES:
            break
    return b"\n".join(lines)[:SAMPLE_BYTES] or data[:SAMPLE_BYTES]


def _guess(sample: bytes) -> str:
    from chardetng_py import detect

    return named(detect(sample, allow_utf8=False)) or USUALLY
