"""Files of a folder that are not read: why, and what to do about it, by name alone.

A folder as people have it holds pictures, spreadsheets and what systems leave in it. Each is counted by reason and
named in `files.jsonl`, so that nobody looks for its text in the corpus.
"""

from collections.abc import Container
from pathlib import PurePosixPath

OTHER = "files of other kinds: "
HIDDEN = "hidden files and folders"
LOCK = "locks of open documents"
COPY = "backup copies of editors"
AS_DOCUMENT, AS_SHEET, AS_SLIDES = "save it as .docx or .odt", "save each sheet as .csv", "export it as .pdf"
AS_BOOK, AS_SCAN, AS_MAIL = "convert it to .epub", "make a PDF with text of it by OCR", "save its text as .txt"
AS_SPEECH, AS_ANNOTATION = "write down what is said, as .txt, .srt or .vtt", "export what is said as .txt or .srt"
UNPACK, AS_TEXT, AS_PAGE = "unpack it", "export its text as .txt", "save the page as .html"
ADVICE = {
    ".doc": AS_DOCUMENT, ".dot": AS_DOCUMENT, ".docm": AS_DOCUMENT, ".pages": AS_DOCUMENT, ".sxw": AS_DOCUMENT,
    ".wpd": AS_DOCUMENT, ".wps": AS_DOCUMENT, ".fodt": AS_DOCUMENT, ".pub": AS_SLIDES, ".indd": AS_SLIDES,
    ".xls": AS_SHEET, ".xlsx": AS_SHEET, ".xlsm": AS_SHEET, ".ods": AS_SHEET, ".numbers": AS_SHEET,
    ".ppt": AS_SLIDES, ".pptx": AS_SLIDES, ".odp": AS_SLIDES, ".key": AS_SLIDES, ".ps": AS_SLIDES,
    ".mobi": AS_BOOK, ".azw": AS_BOOK, ".azw3": AS_BOOK, ".fb2": AS_BOOK, ".lit": AS_BOOK, ".chm": AS_BOOK,
    ".djvu": AS_SCAN, ".tif": AS_SCAN, ".tiff": AS_SCAN, ".jpg": AS_SCAN, ".jpeg": AS_SCAN, ".png": AS_SCAN,
    ".heic": AS_SCAN, ".mp3": AS_SPEECH, ".wav": AS_SPEECH, ".m4a": AS_SPEECH, ".ogg": AS_SPEECH, ".opus": AS_SPEECH,
    ".flac": AS_SPEECH, ".mp4": AS_SPEECH, ".mov": AS_SPEECH, ".avi": AS_SPEECH, ".mkv": AS_SPEECH,
    ".eaf": AS_ANNOTATION, ".textgrid": AS_ANNOTATION, ".trs": AS_ANNOTATION, ".ass": AS_ANNOTATION,
    ".eml": AS_MAIL, ".msg": AS_MAIL, ".mbox": AS_MAIL, ".tex": AS_TEXT, ".xml": AS_TEXT, ".odg": AS_SLIDES,
    ".mhtml": AS_PAGE, ".mht": AS_PAGE,
    ".zip": UNPACK, ".rar": UNPACK, ".7z": UNPACK, ".tar": UNPACK, ".tgz": UNPACK,
    "": "give it the suffix of its kind, e.g. .txt",
}  # fmt: skip


def unread(name: str, kind: str, kinds: Container[str]) -> str:
    """Why a file is not read, of which `name` is the path in its folder and `kind` the suffix; empty where it is."""
    parts = PurePosixPath(name).parts
    if "__MACOSX" in parts or any(part.startswith(".") and part != ".." for part in parts):
        return HIDDEN
    if parts[-1].startswith("~$"):
        return LOCK
    if kind in kinds:
        return ""
    if kind.endswith("~") or kind in (".bak", ".old"):
        return COPY
    return f"{OTHER}{kind or 'no suffix'}{advice(kind, kinds)}"


def advice(kind: str, kinds: Container[str]) -> str:
    """What to do about a file of another kind, in brackets; empty where nothing is known or no documents are read."""
    return f" ({ADVICE[kind]})" if kind in ADVICE and ".docx" in kinds else ""
