"""The dumber count: what a reader of the page sees, and nothing else."""

import pytest

from llimba.stages.sources.extracted import characters, visible_in


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("<p>unu <b>du</b>os</p>", "unuduos"),
        ("<title>tit</title><body>unu<script>x < y</script></body>", "unu"),
        ("<head><title/></head><body><p>unu</p></body>", "unu"),
        ("<nav><ol><li>unu</li></ol></nav>duos&nbsp;&amp; tres", "duos&tres"),
        ("<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>", "漢"),
        ("<svg:title>figura</svg:title><svg:text>unu</svg:text>", "unu"),
        ("<style>p {}</style>unu<nav>duos</body>", "unu"),
        ("<!-- unu --><![CDATA[duos]]>", ""),
        ("<p>unu", "unu"),
    ],
)
def test_only_what_is_shown_is_counted(markup: str, seen: str) -> None:
    assert visible_in(markup) == len(seen)


def test_white_space_is_not_counted() -> None:
    assert characters(" unu\t duos\n\u3000\u00a0tres ") == 11
