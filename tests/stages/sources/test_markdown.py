"""Markdown as people write it: its prose and nothing else, whatever its line ends."""

import pytest

from llimba.stages.sources.extracted import characters
from llimba.stages.sources.markdown import markdown

BODY = "# Tìtulu\n\nUnu testu\nde proa.\n"
TEXT = "Tìtulu\nUnu testu de proa."
TABLE = "Innanti.\n\n| a | b |\n|---|:-:|\n| unu **du** | `duos` |\n\nA pustis.\n"


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: Paràula\ntags: [a, b]\n---\n",
        "---\n# nota\ntitle: a\nlong: |\n  unu\n\n  duos\n...\n\n",
        '+++\ntitle = "a"\n+++\n',
        "---\n---\n",
        "",
    ],
)
def test_front_matter_goes_whatever_the_line_ends(front: str, mark: str, ends: str) -> None:
    found = markdown(mark + (front + BODY).replace("\n", ends))
    assert found.text == TEXT
    assert found.visible == characters(TEXT)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("---\n\nUnu versu.\n\n---\n\nDuos.", "Unu versu.\nDuos."),
        ("Unu.\n\n---\ntitle: duos\n---\n", "Unu.\ntitle: duos"),
        (TABLE, "Innanti.\nA pustis."),
        ("Unu.\n\n```python\nx = 1\n[^1]: y\n```\n\n    indentadu\n\nUsa `ls` gasi.\n", "Unu.\nUsa ls gasi."),
        ("Sa nota[^1] est inoghe[^nota].\n\n[^1]: Custa.\n[^nota]: Un'\u00e0tera,\n    cun *duas* lìnias.\n",
         "Sa nota est inoghe.\nCusta.\nUn'\u00e0tera, cun duas lìnias."),
        ("Unu <!-- cuadu --> duos.\n\n<!--\nmeda\n\ncuadu\n-->\n\nTres.", "Unu duos.\nTres."),
        ("[Unu *ligàmene*](https://x.y \"t\") e ![foto](a.png) [àteru][id], <https://x.y>.\n\n[id]: https://z\n",
         "Unu ligàmene e àteru, ."),
        ("* unu\n* duos\n  1. tres\n\n> bator  \n> chimbe\\\nses<br>sete", "unu\nduos\ntres\nbator\nchimbe\nses\nsete"),
        ("<p align='center'>Unu<br>duos</p>\n\n<table><tr><td>x</td></tr></table>\n\n"
         "<details>\n<summary>Su</summary>\n\nTres\n\n</details>",
         "Unu\nduos\nSu\nTres"),
        ("> [!note] Avisu\n> Bide [[Pàgina|custa]], [[Domo]] e ![[foto.png]].\n\n- [ ] a == b == c\n- [x] ==fatu==\n",
         "Avisu Bide custa, Domo e .\na == b == c\nfatu"),
        ("Tìtulu\n======\n\n&egrave; 5 \\* 3", "Tìtulu\nè 5 * 3"),
    ],
)  # fmt: skip
def test_the_prose_and_nothing_else(source: str, text: str) -> None:
    assert markdown(source).text == text


def test_tables_and_code_stay_where_asked_for() -> None:
    kept = markdown(TABLE, ["tables"])
    assert kept.text == "Innanti.\na\tb\nunu du\tduos\nA pustis."
    assert markdown("Unu:\n\n```\nx = 1\n\n  y\n```\n", ["code"]).text == "Unu:\nx = 1\n  y"


def test_the_dumber_count_is_near_the_text() -> None:
    page = "\n".join([BODY, TABLE, "* [unu](a) **duos** `tres`[^1]", "", "[^1]: nota", "", "```", "x", "```"])
    found = markdown(page)
    assert 0.95 < characters(found.text) / found.visible < 1.05
