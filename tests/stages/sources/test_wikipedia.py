"""A dump in the real format becomes articles: prose intact, templates, tables, references and markup gone."""

import bz2
import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.recipe import WikipediaSource
from llimba.records import Document
from llimba.stages.sources import wikipedia
from llimba.stages.sources.intake import Intake
from tests.fakes import intake

ARTICLE = """{{Infobox
| nùmene = Monte de proa
| mannària = {{formatnum:1834}} m
}}
'''Monte de proa''' est unu [[monte]] de [[Sardigna|sa Sardigna]].<ref>{{cite|unu}}</ref> Est {{u|1}} artu.
[[Documentu:Monte.jpg|thumb|300px|Su monte in [[ierru]].]] [[File:Other.png|left]]

== Istòria ==
In su 1850 b'aiat "bighinadu" &mdash; naraiant sos betzos &nbsp;de ''sa bidda''.<ref name="a" />
* Unu: sa prima cosa
* Duos: s'àtera

{| class="wikitable"
! Annu !! Gente
|-
| 1900 || 12
|}
<gallery>
Documentu:Unu.jpg|Una fotografia
</gallery>
Totu si podet ligher in [https://example.org/monte custu ligàmene].

[[Categoria:Montes]] [[it:Monte di prova]]
__NOTOC__
"""
PROSE = """Monte de proa est unu monte de sa Sardigna. Est artu.
Istòria
In su 1850 b'aiat "bighinadu" — naraiant sos betzos de sa bidda.
Unu: sa prima cosa
Duos: s'àtera
Totu si podet ligher in custu ligàmene."""


def page(identifier: int, title: str, text: str, namespace: int = 0, redirect: str = "") -> str:
    mark = f'<redirect title="{redirect}" />' if redirect else ""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return (
        f"<page><title>{title}</title><ns>{namespace}</ns><id>{identifier}</id>{mark}<revision><id>9{identifier}</id>"
        f'<text bytes="{len(text)}" xml:space="preserve">{escaped}</text></revision></page>\n'
    )


def dump(*pages: str, head: str = "") -> bytes:
    return (
        f'{head}<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="sc"><siteinfo>'
        '<sitename>Proa</sitename><namespaces><namespace key="0" /><namespace key="1">Cuntierra</namespace>'
        '<namespace key="6">Documentu</namespace><namespace key="14">Categoria</namespace></namespaces></siteinfo>\n'
        f"{''.join(pages)}</mediawiki>\n"
    ).encode()


def load(path: Path, **more: Any) -> tuple[list[Document], Intake]:
    source = WikipediaSource(kind="wikipedia", path=path, language="sc", license="CC-BY-SA-4.0", **more)
    reading: Intake = intake(source, "wiki")
    return [record for record in wikipedia.load(source, reading) if isinstance(record, Document)], reading


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".bz2", bz2.compress), (".gz", gzip.compress)])
def test_a_dump_becomes_articles(tmp_path: Path, suffix: str, pack: Any) -> None:
    path = tmp_path / f"scwiki-pages-articles.xml{suffix}"
    path.write_bytes(
        pack(
            dump(
                page(1, "Monte de proa", ARTICLE),
                page(2, "Montes", "", redirect="Monte de proa"),
                page(3, "Cuntierra:Monte", "Est beru?", namespace=1),
                page(4, "Isceda", "{{isceda}}"),
                page(5, "Mare", "Su '''mare''' est mannu."),
            )
        )
    )
    documents, reading = load(path, norm="sos-sas")
    assert [d.text for d in documents] == [PROSE, "Su mare est mannu."]
    assert [d.id for d in documents] == ["wiki:1", "wiki:5"]
    assert documents[0].provenance == f"{path.name}: page 1, Monte de proa"
    assert documents[0].norm == "sos-sas"
    assert reading.skipped == {"redirect": 1, "not an article": 1, "no prose": 1}


def test_nested_templates_and_tables_leave_nothing() -> None:
    text = "Prima.\n{{a|{{b|{| \n| c {{d}} \n|}}} }}\n{| \n| {| \n| dintro \n|}\n|}\nUrtima <ref>x {{y}}</ref>paràula."
    assert wikipedia.plain(text, list(wikipedia.ENGLISH)) == "Prima.\nUrtima paràula."


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE m SYSTEM "file:///etc/passwd">',
    ],
    ids=["entities", "external"],
)
def test_a_dump_with_a_dtd_is_refused(tmp_path: Path, head: str) -> None:
    (tmp_path / "d.xml").write_bytes(dump(page(1, "A", "b"), head=head))
    documents, reading = load(tmp_path / "d.xml")
    assert documents == []
    assert re.search("DTDForbidden|EntitiesForbidden|ExternalReferenceForbidden", reading.first_quarantined)


def test_a_page_that_never_ends_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    (tmp_path / "bomb.xml.bz2").write_bytes(bz2.compress(dump(page(1, "A", " " * (wikipedia.PAGE_BYTES + 10**6)))))
    assert (tmp_path / "bomb.xml.bz2").stat().st_size < 10_000
    documents, reading = load(tmp_path / "bomb.xml.bz2")
    assert documents == []
    assert "decompression bomb" in reading.first_quarantined
    (tmp_path / "endless.xml").write_bytes(dump(page(1, "A", " " * (wikipedia.PAGE_BYTES + 10**6))))
    documents, reading = load(tmp_path / "endless.xml")
    assert documents == []
    assert "page without end" in reading.first_quarantined


def test_a_torn_dump_keeps_what_was_read_and_says_so(tmp_path: Path) -> None:
    whole = bz2.compress(dump(*(page(i, f"A{i}", "Su mare est mannu.") for i in range(50))))
    (tmp_path / "torn.xml.bz2").write_bytes(whole[: len(whole) // 2])
    _, reading = load(tmp_path / "torn.xml.bz2")
    assert "the rest of the dump: broken file: EOFError" in reading.first_quarantined
    (tmp_path / "torn.xml").write_bytes(dump(*(page(i, f"A{i}", "Su mare est mannu.") for i in range(50)))[:-600])
    documents, reading = load(tmp_path / "torn.xml")
    assert len(documents) > 40
    assert reading.quarantined == {"broken XML": 1}
    with pytest.raises(StageError, match="does not exist. Correct the path"):
        load(tmp_path / "absent.xml")


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("In [[:it:Nuoro|Nùgoro]] e in [[:Categoria:Montes|sos montes]] [[:fr:Paris]].",
         "In Nùgoro e in sos montes fr:Paris."),
        ("[[it:Nuoro]][[Categoria:Tzitades]]Sa tzitade [[w:Proa|de proa]], [[wikt:domo|domo]].",
         "Sa tzitade de proa, domo."),
        ("[[Foto:Monte.JPG|Su monte]] [[Fichero:X.svg|100px|Su [[mare]]]] [[Imaxe:A b.webm]] Totu.", "Totu."),
        ("[[Datei:senza sufissu|thumb|Su monte]] [[Àteru:Nùmene|de custu]] [[Istar Wars: Unu|su film]]",
         "de custu su film"),
        ("Primu<br>segundu<br />tertzu<BR clear=all>bator", "Primu\nsegundu\ntertzu\nbator"),
        ("<poem>\nPrimu versu\nsegundu\n</poem>", "Primu versu\nsegundu"),
        ("Iscrie <nowiki>[[domo]], {{nodu}}, '''x''' e | y</nowiki> gasi.",
         "Iscrie [[domo]], {{nodu}}, '''x''' e | y gasi."),
        ("{{Lang|la|domus}}, {{lang-grc|οἶκος}}, {{ligua|fr|maison}}, {{nowrap|20 km}}, {{formatnum:1834}}.",
         "domus, οἶκος, maison, 20 km, 1834."),
        ("{{IPA|it|ˈnwɔro}}{{Cite web|en|A title.}}{{nodu|s}}{{coord|40|N}}{{Lang|domus}}Totu.", "domusTotu."),
        ("Narat:\n{{Frase connota\n|'''Custas''' sunt [[paràula|paràulas]] suas {{sic|x}}prus.|Deledda}}\nE bia.",
         "Narat:\nCustas sunt paràulas suas prus.\nE bia."),
        ("Testu {{nodu|Custas sunt paràulas de unu modellu.}} in mesu.", "Testu in mesu."),
        ("Nùgoro ({{a|x}}, {{b|y}}) e Santu ({{a}}, in limba ''Sanctus'', {{b}}) e main() [{{c}}] (..) totu {{d}}.",
         "Nùgoro e Santu (in limba Sanctus) e main() (..) totu."),
        ("北京（{{a}}，{{b}}）是首都。", "北京是首都。"),
        ("-{zh-hans:计算机;zh-hant:電腦}- e -{R|x}- -{domo}-", "计算机 e x domo"),
        ("S{{'}}istadu {{!}} e {{–}} {{'|x}}.", "S'istadu | e –."),
        ("__БЕЗОГЛ__Testu", "Testu"),
        ("[[Documentu:A.png|thumb|'''' unu]]\n'''Sa domo''' est [[mannu|manna]].", "Sa domo est manna."),
        ("S''''Istadu'''\ns'''artista'' e '''''mannu'''''", "S'Istadu\ns'artista e mannu"),
    ],
)  # fmt: skip
def test_what_a_reader_sees_stays_and_nothing_else(wikitext: str, text: str) -> None:
    assert wikipedia.plain(wikitext, ["categoria", "file", "image", "category", "documentu"]) == text
