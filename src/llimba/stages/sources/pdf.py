"""The text of a PDF in paragraphs; a scan is recognised and refused with what to do about it.

pdfminer.six gives each line its place, size and characters: of pypdf, pdfminer.six, pdfplumber and pypdfium2 it agreed
best with the others on the words of ten PDFs (docs/log.md). pypdf, which knows nothing of layout, counts what is there.
None of them rebuilds paragraphs or leaves page heads out: `paragraphs` does.
"""

import io
import re
from collections.abc import Iterator
from typing import Any

from llimba.stages.sources import right_to_left
from llimba.stages.sources.belied import CUT
from llimba.stages.sources.extracted import Extracted, characters
from llimba.stages.sources.markup import EXPONENT, SUPERSCRIPT
from llimba.stages.sources.paragraphs import Line, Page, rebuilt
from llimba.stages.sources.unsafe import Unsafe

PAGES = 20_000
SCANNED = 25  # characters: a page with a picture and fewer has no text of its own
PICTURE = 0.3  # of the page that a scan covers at least
UNMAPPED = 0.1  # share of characters whose font does not say what they are
RAISED = tuple("⁰¹²³⁴⁵⁶⁷⁸⁹")
LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
OCR = "Run OCR first, e.g. ocrmypdf -l LANGUAGE in.pdf out.pdf (ocrmypdf.readthedocs.io), and name out.pdf"


def pdf(data: bytes) -> Extracted:
    """A line a paragraph, in reading order. Raises `Unsafe` for a scan, a password, fonts without Unicode."""
    from pdfminer.pdfdocument import PDFPasswordIncorrect

    visible = _counted(data)
    pages: list[Page] = []
    scans: list[int] = []
    unmapped = total = 0
    try:
        for number, layout in enumerate(_layouts(data), 1):
            found = list(_lines(layout))
            total += (size := sum(characters(line.text) for line in found))
            unmapped += sum(line.text.count("\ufffd") for line in found)
            if size < SCANNED and _pictured(layout):
                scans.append(number)
            pages.append(Page(layout.width, layout.height, found))
    except PDFPasswordIncorrect:
        raise Unsafe(
            "encrypted: the PDF asks for a password. Write a copy without: qpdf --decrypt --password=PASSWORD in out"
        ) from None
    if scans and 2 * len(scans) > len(pages):
        raise Unsafe(f"scanned: {len(scans)} of {len(pages)} pages are pictures without text. {OCR}")
    if unmapped > UNMAPPED * total:
        raise Unsafe(f"no Unicode: the fonts do not say which letters they draw. {OCR.replace('-l', '--force-ocr -l')}")
    lost = tuple(f"page {number}: scanned: a picture without text. {OCR}" for number in scans)
    if b"%%EOF" not in data[-2048:]:
        lost += (f"end: {CUT}",)
    text, left_out = rebuilt(pages)
    return Extracted(text, characters(text) if visible is None else max(visible - left_out, 0), lost=lost)


def _counted(data: bytes) -> int | None:
    """What pypdf finds; None where it cannot read the file, or finds nothing."""
    import pypdf

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if len(reader.pages) > PAGES:
            raise Unsafe(f"too many pages: {len(reader.pages):,}")
        return sum(characters(page.extract_text()) for page in reader.pages) or None
    except (Unsafe, MemoryError):
        raise
    except Exception:  # its errors are of all kinds; the count only accompanies the text
        return None


def _layouts(data: bytes) -> Iterator[Any]:
    from pdfminer.high_level import extract_pages
    from pdfminer.layout import LAParams

    # the boxes are not used: their reading order takes a title for a column
    return extract_pages(io.BytesIO(data), laparams=LAParams(boxes_flow=None, char_margin=1.7), maxpages=PAGES)


def _lines(layout: Any) -> Iterator[Line]:
    from pdfminer.layout import LTChar, LTTextBox, LTTextLine

    lines = [line for box in layout if isinstance(box, LTTextBox) for line in box if isinstance(line, LTTextLine)]
    if right_to_left.mostly(line.get_text() for line in lines):
        yield from _mirrored(layout.width, lines)
        return
    for line in lines:
        letters = [each for each in line if isinstance(each, LTChar)]
        # what is written upwards at the margin is a stamp
        if sum(each.upright for each in letters) * 2 > len(letters) and (made := _line(line, letters)).text:
            yield made


def _mirrored(width: float, lines: list[Any]) -> Iterator[Line]:
    """The lines of a page that is read from right to left, as in a mirror: what begins at the right begins at 0."""
    from pdfminer.layout import LTChar

    fonts = {}
    glyphs = []
    for each in (each for line in lines for each in line if isinstance(each, LTChar) and each.upright):
        text = "\ufffd" if each.get_text().startswith("(cid:") else each.get_text()
        glyphs.append(right_to_left.Glyph(text, each.x0, each.y0, each.x1, each.size))
        fonts[glyphs[-1]] = each.fontname
    for row in right_to_left.rows(glyphs):
        size, said = max(glyph.size for glyph in row), [fonts[glyph] for glyph in row]
        low, left, right = row[0].y0, min(glyph.x0 for glyph in row), max(glyph.x1 for glyph in row)
        if text := right_to_left.logical(row):
            font = max(set(said), key=said.count)
            yield Line(text, width - right, low, width - left, low + size, size, font)


def _line(line: Any, drawn: list[Any]) -> Line:
    """A line; the numbers of notes are left out, exponents kept (m²)."""
    from pdfminer.layout import LTChar

    # the size and font that most characters have
    size = sorted(each.size for each in drawn)[len(drawn) // 2]
    fonts = [each.fontname for each in drawn]
    base = sorted(each.y0 for each in drawn)[len(drawn) // 2]
    text = ""
    for each in line:
        piece = each.get_text()
        if isinstance(each, LTChar) and piece.startswith("(cid:"):
            piece = "\ufffd"
        elif isinstance(each, LTChar) and piece.isdecimal() and each.size < 0.8 * size and each.y0 > base + 0.15 * size:
            piece = piece.translate(SUPERSCRIPT) if EXPONENT.search(text[-4:]) or text.endswith(RAISED) else ""
        text += LIGATURES.get(piece, piece)
    return Line(
        re.sub(r"[^\S\t]+", " ", text).strip(),
        line.x0,
        line.y0,
        line.x1,
        line.y1,
        size,
        max(set(fonts), key=fonts.count),
    )


def _pictured(layout: Any) -> bool:
    """Whether pictures cover a good part of a page."""
    from pdfminer.layout import LTFigure, LTImage

    area = sum(each.width * each.height for each in layout if isinstance(each, LTFigure | LTImage))
    return bool(area > PICTURE * layout.width * layout.height)
