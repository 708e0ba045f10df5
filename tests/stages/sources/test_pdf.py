"""Printed pages: paragraphs whole, hyphens and heads gone, columns in order, scans refused with what to do."""

import io
from collections.abc import Sequence

import pytest

from llimba.stages.sources import pdf as module
from llimba.stages.sources.extracted import Extracted, characters
from llimba.stages.sources.pdf import pdf
from llimba.stages.sources.unsafe import Unsafe

Drawn = tuple[float, float, float, str]  # x, y, size, text
PICTURE = (
    b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 1 >>"
)


def paper(text: str = "Su sole essit dae su mare.") -> bytes:
    """A PDF of one page with one line."""
    return papers([[(72, 700, 12, text)]])


def papers(pages: Sequence[Sequence[Drawn]], pictures: Sequence[int] = ()) -> bytes:
    """A PDF written by hand: lines at their places; `pictures` names the pages that one covers."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"", PICTURE + b"\nstream\nx\nendstream"]
    objects[2] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>"
    kids = []
    for number, lines in enumerate(pages):
        drawn = [f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET" for x, y, size, text in lines]
        stream = "\n".join([*drawn, *(["q 600 0 0 800 0 0 cm /I Do Q"] if number in pictures else [])]).encode("cp1252")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> /XObject << /I 4 0 R >> >> >>" % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    out, offsets = io.BytesIO(b"%PDF-1.4\n"), []
    out.seek(0, 2)
    for number, content in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % at for at in offsets))
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return out.getvalue()


def block(x: float, top: float, lines: Sequence[str], size: float = 10, lead: float = 12) -> list[Drawn]:
    """Lines one below the other."""
    return [(x, top - lead * index, size, line) for index, line in enumerate(lines)]


FIRST = [
    "  Sa bidda est posta in mesu de sos mon-",
    "tes, e sa gente bi bivet dae tempus me-",
    "da cun sos fedales suos in paghe manna,",
]
SECOND = ["ca su traballu est grae e sa terra est", "galana. Gasi narant totus."]
WHOLE = (
    "Sa bidda est posta in mesu de sos montes, e sa gente bi bivet dae tempus meda cun sos fedales suos in paghe "
    "manna, ca su traballu est grae e sa terra est galana. Gasi narant totus."
)


def test_a_paper_gives_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pdf(paper()) == Extracted("Su sole essit dae su mare.", 21)
    monkeypatch.setattr(module, "PAGES", 0)
    with pytest.raises(Unsafe, match="too many pages"):
        pdf(paper())


@pytest.mark.parametrize(
    "heads", [("SA BIDDA 1", "SA BIDDA 2"), ("SA BIDDA", "SA BIDDA"), ("1", "2"), ("- 1 -", "- 2 -")]
)
@pytest.mark.parametrize("height", [760, 30])
def test_a_paragraph_goes_over_the_page_without_its_head_and_number(heads: tuple[str, str], height: int) -> None:
    pages = [
        [(250, height, 9, head), *block(72, 700, lines)] for head, lines in zip(heads, (FIRST, SECOND), strict=True)
    ]
    assert pdf(papers(pages)) == Extracted(WHOLE, characters(WHOLE) + 2)  # two hyphens at line ends


def test_paragraphs_end_at_indents_gaps_and_short_lines() -> None:
    first, second = "De cussos tempos antigos nois amus galu", "memòria meda."
    indented = papers(
        [[*block(72, 700, [first, "b" * 39, second]), *block(84, 664, ["E duncas" + " a" * 14, *["c" * 39] * 2])]]
    )
    assert [line[:8] for line in pdf(indented).text.split("\n")] == ["De cusso", "E duncas"]
    apart = papers([[*block(72, 700, [first, "b" * 39]), *block(72, 660, ["E duncas" + " a" * 15, "c" * 39])]])
    assert [line[:8] for line in pdf(apart).text.split("\n")] == ["De cusso", "E duncas"]
    verse = ["Su sole", "Sa luna", "Sos isteddos lughent in chelu", "Su mare"]
    assert pdf(papers([block(72, 700, verse)])).text == "\n".join(verse)


def test_a_heading_is_a_line_of_its_own() -> None:
    page = [(72, 720, 16, "Su capitulu"), *block(72, 700, [*FIRST, *SECOND])]
    assert pdf(papers([page])).text == f"Su capitulu\n{WHOLE}"


def test_columns_are_read_one_after_the_other_below_their_title() -> None:
    left = [f"Sa prima colunna, riga numeru {n:02}, e" for n in range(20)]
    right = [f"e duncas sa de duas, riga bona {n:02}, e" for n in range(20)]
    page = [
        (72, 740, 14, "Unu titulu longu chi coberit totu sa pagina"),
        *block(60, 700, left),
        *block(330, 700, right),
    ]
    title, text = pdf(papers([page])).text.split("\n")
    assert title == "Unu titulu longu chi coberit totu sa pagina"
    assert text == " ".join(left + right)


def test_a_table_stays_in_rows_and_a_note_does_not_cut_a_paragraph() -> None:
    cells = [[(72, 700 - 14 * n, 10, f"domo {n}"), (200, 700 - 14 * n, 10, f"casa {n}")] for n in range(6)]
    assert pdf(papers([[cell for row in cells for cell in row]])).text == "\n".join(
        f"domo {n}\tcasa {n}" for n in range(6)
    )
    pages = [[*block(72, 700, FIRST), (72, 100, 8, "1 Sa nota est in fundu.")], block(72, 700, SECOND)]
    assert pdf(papers(pages)).text == f"{WHOLE}\n1 Sa nota est in fundu."


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["Sos trenos de su Nord-", "Est sunt lestros."], "Sos trenos de su Nord-Est sunt lestros."),
        (["Faeddat in bi-limba, e sa bi-", "limba est custa."], "Faeddat in bi-limba, e sa bi-limba est custa."),
        (["Dae su 1950-", "1960 a como."], "Dae su 1950-1960 a como."),
        (["SOS MON-", "TES"], "SOS MONTES"),
    ],
)
def test_only_the_hyphen_of_a_line_end_goes(lines: list[str], text: str) -> None:
    assert pdf(papers([block(72, 700, lines)])).text == text


def test_numbers_of_notes_leave_the_text_and_exponents_stay() -> None:
    page = [(72, 700, 10, "Sa bidda"), (120, 704, 6, "7"), (130, 700, 10, "tenet 20 km"), (196, 704, 6, "2")]
    assert pdf(papers([page])).text == "Sa bidda tenet 20 km²"


def test_a_scan_is_refused_with_the_way_out() -> None:
    with pytest.raises(
        Unsafe, match=r"scanned: 2 of 2 pages are pictures without text\. Run OCR first, e\.g\. ocrmypdf"
    ):
        pdf(papers([[], [(280, 30, 9, "2")]], pictures=(0, 1)))
    partly = pdf(papers([block(72, 700, FIRST), [], block(72, 700, SECOND)], pictures=(1,)))
    assert partly.text == WHOLE
    assert partly.lost[0].startswith("page 2: scanned: a picture without text. Run OCR")
    assert pdf(papers([block(72, 700, [*FIRST, *SECOND])], pictures=(0,))).text == WHOLE  # OCR was run
