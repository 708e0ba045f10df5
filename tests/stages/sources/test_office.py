"""Word, LibreOffice and RTF files: all that a reader of the page sees, once, and nothing of what is hidden."""

import io
import zipfile

import pytest

from llimba.stages.sources.extracted import characters
from llimba.stages.sources.isolated import Extractor
from llimba.stages.sources.office import docx, odt, rtf
from llimba.stages.sources.unsafe import Unsafe

W = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)
BODY = """<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Su tìtulu</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">Su sole </w:t></w:r><w:ins><w:r><w:t>essit</w:t></w:r></w:ins><w:del><w:r>
<w:delText>falat</w:delText></w:r></w:del><w:r><w:t>.</w:t><w:br/><w:t>Sa luna</w:t><w:tab/><w:t>puru.</w:t></w:r>
<w:r><w:footnoteReference w:id="2"/></w:r></w:p>
<w:sdt><w:sdtContent><w:p><w:hyperlink><w:r><w:t>In unu quadru</w:t></w:r></w:hyperlink></w:p></w:sdtContent></w:sdt>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>unu</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>duos</w:t></w:r></w:p></w:tc></w:tr>
</w:tbl><w:p><w:r><w:fldChar/><w:instrText>PAGE</w:instrText></w:r><w:r><mc:AlternateContent><mc:Choice><w:p><w:r>
<w:t>In sa càscia</w:t></w:r></w:p></mc:Choice><mc:Fallback><w:p><w:r><w:t>In sa càscia</w:t></w:r></w:p></mc:Fallback>
</mc:AlternateContent></w:r><w:r><w:t>A foras</w:t></w:r></w:p>"""
NOTES = "<w:footnote><w:p><w:r><w:t>Una nota.</w:t></w:r></w:p></w:footnote>"
LINES = ["Su tìtulu", "Su sole essit.", "Sa luna puru.", "In unu quadru", "unu", "duos", "A foras", "In sa càscia"]
ODT = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0">
<office:body><office:text><text:tracked-changes><text:p>burradu</text:p></text:tracked-changes>
<text:h>Su tìtulu</text:h>
<text:p>Su sole<text:s/><text:span>essit</text:span>.<text:line-break/>Sa luna<text:tab/>puru.<text:note
><text:note-citation>1</text:note-citation><text:note-body>
<text:p>Una nota.</text:p></text:note-body></text:note></text:p>
<office:annotation><text:p>cummentu</text:p></office:annotation>
<table:table><table:table-row><table:table-cell><text:p>unu</text:p></table:table-cell></table:table-row></table:table>
<text:list><text:list-item><text:p>duos</text:p></text:list-item></text:list></office:text></office:body>
</office:document-content>"""
RTF = (
    r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title cuadu}}{\header testa}\f0 Su t\'ectulu\par Su sole"
    r" {\b essit}\u8217?s \u-10179?\u-8691?.{\super\chftn{\footnote\pard Una nota.}}\par\trowd unu\cell duos\cell\row "
    r'{\field{\*\fldinst{HYPERLINK "http://example.org/"}}{\fldrslt ligàmene}}\par}'
)


def packed(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return out.getvalue()


def word(body: str = BODY) -> bytes:
    return packed(
        word__document_xml=f"<w:document {W}><w:body>{body}</w:body></w:document>",
        word__footnotes_xml=f"<w:footnotes {W}>{NOTES}</w:footnotes>",
        word__header1_xml=f"<w:hdr {W}><w:p><w:r><w:t>testa</w:t></w:r></w:p></w:hdr>",
    )


def writer(content: str = ODT) -> bytes:
    return packed(content_xml=content)


def test_word() -> None:
    found = docx(word())
    assert found.text.split("\n") == [*LINES, "Una nota."]
    assert found.visible == characters(found.text)


def test_libreoffice() -> None:
    found = odt(writer())
    assert found.text.split("\n") == ["Su tìtulu", "Su sole essit.", "Sa luna puru.", "Una nota.", "unu", "duos"]
    assert 0.9 < characters(found.text) / found.visible <= 1


def test_rtf() -> None:
    found = rtf(RTF.encode("cp1252"))
    assert found.text.split("\n") == ["Su tìtulu", "Su sole essit’s 😍.", "unu", "duos", "ligàmene", "Una nota."]
    assert 0.9 < characters(found.text) / found.visible < 1.1


def test_rtf_of_old_programs_is_read_in_the_code_page_that_it_names() -> None:
    head = rb"{\rtf1\ansi\ansicpg1251\deff0{\fonttbl{\f0\fcharset204 Times;}}\f0 "
    assert rtf(head + "Добрий день.}".encode("cp1251")).text == "Добрий день."
    assert rtf(head.replace(b"1251", b"99999") + b"Bona die.}").text == "Bona die."


def test_all_are_read_in_the_other_process_and_broken_ones_are_refused() -> None:
    entity = ODT.replace("<office:document", '<!DOCTYPE a [<!ENTITY e "x">]><office:document', 1).replace("duos", "&e;")
    with Extractor() as extractor:
        assert extractor.read("docx", word()).text.startswith("Su tìtulu")
        assert extractor.read("odt", writer()).text.startswith("Su tìtulu")
        assert extractor.read("rtf", RTF.encode("cp1252")).text.startswith("Su tìtulu")
        assert "x" not in extractor.read("odt", writer(entity)).text
        for kind in ("docx", "odt"):
            with pytest.raises(Unsafe, match="cut short"):
                extractor.read(kind, b"PK\3\4")
            with pytest.raises(Unsafe, match=r"broken file: (no word/document\.xml|KeyError)"):
                extractor.read(kind, packed(a="b"))
            with pytest.raises(Unsafe, match="decompression bomb"):
                name = {"docx": "word__document_xml", "odt": "content_xml"}[kind]
                extractor.read(kind, packed(**{name: "<a>" + " " * 60_000_000}))
        with pytest.raises(Unsafe, match="does not begin as RTF"):
            extractor.read("rtf", b"Su sole")
