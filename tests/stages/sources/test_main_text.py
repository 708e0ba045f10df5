"""Whole kinds of pages keep their text, compared with what is visible; verse keeps its lines, menus stay out."""

import pytest

from llimba.stages.sources.extracted import characters
from llimba.stages.sources.main_text import html
from tests.fakes import SENTENCES

PROSE = SENTENCES["sc"]
CHINESE = [f"清晨我们离开家，走到海边。渔民们已经带着鱼回来了，第{number}个孩子在沙滩上玩耍。" for number in range(6)]
THAI = ["เช้าวันนี้เราเดินไปที่ทะเลชาวประมงกลับมาพร้อมปลาจำนวนมากและเด็กๆกำลังเล่นอยู่บนหาดทราย"] * 4
HINDI = [f"सुबह हम घर से निकले और समुद्र तक पैदल गए। मछुआरे मछली लेकर लौट आए थे {number}।" for number in range(6)]
MENU = "<nav><a href='/'>Menu</a> <a href='/x'>Cuntatos</a></nav>"


def page(body: str) -> bytes:
    head = "<html><head><title>Sa bidda</title></head><body>"
    return f"{head}{MENU}{body}<footer>Totu sos deretos reservados</footer></body></html>".encode()


def each(pattern: str, lines: list[str] = PROSE) -> str:
    return "".join(pattern.format(line) for line in lines)


KINDS = {
    "paragraphs": each("<p>{}</p>"),
    "definition lists": f"<dl>{each('<dt>Boghe</dt><dd>{}</dd>')}</dl>",
    "tables": f"<table>{each('<tr><td>{}</td><td>a</td></tr>')}</table>",
    "layout in tables": f"<table><tr><td><a href=x>Menu</a></td><td>{'<br><br>'.join(PROSE)}</td></tr></table>",
    "verse": f"<h1>Poesia</h1><div>{'<br />'.join(PROSE)}</div>",
    "preformatted": "<pre>" + "\n".join(PROSE) + "</pre>",
    "forums": each("<div class='post'><div class='author'>Bore</div><div class='content'>{}</div></div>"),
    "comments": f"<p>{PROSE[0]}</p><div id='comments'>{each('<div class=comment><p>{}</p></div>')}</div>",
    "lists": f"<ul>{each('<li>{}</li>')}</ul>",
    "quotations": each("<blockquote>{}</blockquote>"),
    "bare text": " ".join(PROSE),
    "font and center": f"<center><font size=2>{each('<p>{}')}</font></center>",
    "little text": f"<h1>Notas</h1><p>{PROSE[0]}</p>",
    "folded": f"<details><summary>Pregunta</summary>{each('<p>{}</p>')}</details>",
    "Chinese": each("<p>{}</p>", CHINESE),
    "Thai": each("<p>{}</p>", THAI),
    "Hindi": each("<p>{}</p>", HINDI),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_of_every_kind_of_page_is_kept(kind: str) -> None:
    found = html(page(KINDS[kind]))
    written = {"Chinese": CHINESE, "Thai": THAI, "Hindi": HINDI, "little text": PROSE[:1]}.get(kind, PROSE)
    assert all(line in found.text for line in written)
    assert "deretos" not in found.text or kind == "little text"
    assert 0.8 * found.visible <= characters(found.text) <= found.visible + 20


def test_verse_keeps_its_lines() -> None:
    lines = html(page(KINDS["verse"])).text.splitlines()
    assert [line for line in lines if line in PROSE] == PROSE


def test_comments_alone_bring_no_menus() -> None:
    links = "<ul>" + "".join(f"<li><a href='/{n}'>Ligàmene {n}</a></li>" for n in range(40)) + "</ul>"
    side = f"<div class='sidebar'><p>{'Publitzidade ' * 30}</p></div>"
    found = html(page(f"{links}{side}{KINDS['comments']}"))
    assert all(line in found.text for line in PROSE)
    for unwanted in ("Menu", "Ligàmene", "Publitzidade", "deretos"):
        assert unwanted not in found.text


def test_a_page_of_nothing() -> None:
    for nothing in (b"", b"<!-- -->", b"<html></html>", b"<html><body><script>x()</script></body></html>"):
        assert html(nothing, "https://example.org/x").text == ""
    declared = b"<?xml version='1.0' encoding='iso-8859-1'?><html><body><p>per\xc3\xacgulu mannu</p></body></html>"
    assert "perìgulu" in html(declared).text
