"""Books' markup in all its blocks: lines apart, every text once, marks of the page left out."""

import pytest

from llimba.stages.sources.extracted import characters, visible_in
from llimba.stages.sources.markup import Styles, decoded, lines, parsed

SHEET = """
/* p { float: left } */
.verso, span.line { display : block }
.num { float:right; font-size: 90% } span.cap { float: left }
span.far { margin-left: 2em } i.near { margin-right: 0.1em }
@media print { .indent { white-space: pre-wrap } }
"""


def read(markup: str) -> str:
    """The lines of a body, as a book's page has it."""
    styles = Styles()
    styles.add(SHEET)
    page = "<html xmlns='http://www.w3.org/1999/xhtml' xmlns:epub='http://www.idpf.org/2007/ops'>"
    page += f"<body>{markup}</body></html>"
    return lines(parsed(page), styles)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Unu<br/>duos<br></br>tres</p>", "Unu\nduos\ntres"),
        ("<ul><li><p>Unu.</p></li><li>Duos<ul><li>tres</li></ul>bator</li></ul>", "Unu.\nDuos\ntres\nbator"),
        ("<div>Unu<div>duos</div>tres <p>bator</p> chimbe</div>", "Unu\nduos\ntres\nbator\nchimbe"),
        ("<section>a<article>b</article><aside>c</aside><blockquote>d</blockquote>e</section>", "a\nb\nc\nd\ne"),
        ("<h6>tit</h6>unu<figure><img alt='no'/><figcaption>didascalia</figcaption></figure>", "tit\nunu\ndidascalia"),
        ("<dl><dt>domo</dt><dd>logu</dd><dd><p>fràigu</p></dd></dl>", "domo\nlogu\nfràigu"),
        ("<table><caption>C</caption><tr><th>a</th><th>b</th></tr>"
         "<tr><td><p>c</p></td><td>d<br/>e</td><td>f</td></tr></table>",
         "C\na\tb\nc\td\ne\nf"),
        ("<table><tr><td/><td>a</td></tr><tr><td><table><tr><td>b</td><td>c</td></tr></table></td></tr></table>",
         "a\nb\tc"),
        ("<pre>unu  du\n  duos\n\ntres</pre>bator", "unu du\nduos\ntres\nbator"),
        ("<p><span class='line'>Primu versu</span><span class='line'>segundu</span></p>", "Primu versu\nsegundu"),
        ("<p class='a verso'>unu</p><span class='verso'>duos</span>tres", "unu\nduos\ntres"),
        ("<p class='indent'>unu\n   duos</p>", "unu\nduos"),
        ("<div>Hortu,<span class='num'>10</span></div>", "Hortu, 10"),
        ("<p><span class='cap'>S</span>u <i class='near'>so</i>le <span>1</span><span class='far'>es</span></p>",
         "Su sole 1 es"),
        ("<p style='x:y'>a<span style='display: block'>b</span></p>", "a\nb"),
        ("<p>m<sup>2</sup>, 10<sup>-3</sup>, M<sup>me</sup>, H<sub>2</sub>O, bi<b>dda</b><sup>7</sup>.<sup>8</sup></p>",
         "m², 10⁻³, Mme, H2O, bidda."),
        ("<p>Sa nota<a href='#n'><sup>1</sup></a> e<sup><a href='n#n'>a</a></sup> bi<a href='#n'>[3]</a> est.</p>",
         "Sa nota e bi est."),
        ("<p>sa<a epub:type='noteref' href='#n'>i.</a> in <i role='doc-pagebreak'>p. 23</i>mesu</p>", "sa in mesu"),
        ("<p>sa <a epub:type='noteref' href='#n'>nota de in fatu</a></p>", "sa nota de in fatu"),
        ("<p>Càstia <a href='#c'>su capìtulu 2</a>, <a href='#p'>12</a>, <a href='x'>34</a></p>",
         "Càstia su capìtulu 2, 12, 34"),
        ("<aside epub:type='footnote'><p><a href='#r'>↩</a> Sa nota.</p></aside>", "Sa nota."),
        ("<p><ruby>山<rp>(</rp><rt>やま</rt><rp>)</rp></ruby>へ</p>", "山へ"),
        ("<p>a<!-- x -->b<?y z?>c<script>d</script>e<style>f</style></p><nav>g</nav>", "abce"),
        ("<svg xmlns='http://www.w3.org/2000/svg'><title>t</title><text>a<tspan>b</tspan></text><text>c</text></svg>",
         "ab\nc"),
        ("<p><img alt='S' src='s.png'/>u sole<img alt='unu sole' src='x'/></p>", "Su sole"),
        ("<p>unu <b> du</b>os\u00a0tres <i/> bator</p>", "unu duos\u00a0tres bator"),
        ("<p hidden='hidden'>a</p><video>b</video><object><p>c</p></object>", "c"),
        ("<lg><l>Primu</l><l>segundu</l></lg>", "Primu\nsegundu"),
    ],
)  # fmt: skip
def test_blocks_are_lines(markup: str, text: str) -> None:
    assert read(markup) == text


def test_a_deep_page_and_a_page_of_hostile_entities_end() -> None:
    deep = "<div>" * 5000 + "unu" + "</div>" * 5000
    assert characters(read(deep)) < visible_in(deep) / 2  # libxml2 gives up, and the count says so
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><p>&b; unu</p>"
    assert lines(parsed(bomb), Styles()) == "&b; unu"
    assert parsed("  <!-- x -->") is None


@pytest.mark.parametrize(
    "data",
    [
        "<p>perìgulu</p>".encode("utf-16"),
        "<p>perìgulu</p>".encode("utf-16-be"),
        "<p>perìgulu</p>".encode(),
        "<p>perìgulu</p>".encode("cp1252"),
        "<meta charset='koi8-q'/><p>perìgulu</p>".encode(),
        "<?xml version='1.0' encoding=\"ISO-8859-1\"?><p>perìgulu</p>".encode("latin-1"),
    ],
)
def test_a_file_is_decoded_as_it_says_or_looks(data: bytes) -> None:
    assert "perìgulu" in decoded(data)


def test_the_dumber_count_agrees_on_a_page() -> None:
    page = "<html><head><title>t</title></head><body><h1>Unu</h1><div>du<br/>os <td>tres</td></div></body></html>"
    assert visible_in(page) == characters(lines(parsed(page), Styles())) == characters("Unu duos tres")
