"""What a parser gives: the text of a file, and how much visible text a dumber count finds in it.

The count shares no code with the parsers that it checks: for markup it is html.parser, which knows no blocks, no spine
and no order, only what lies outside of tags. A reader whose text is much shorter or longer has lost or doubled some.
"""

from dataclasses import dataclass
from html.parser import HTMLParser

UNSEEN = {"script", "style", "title", "template", "nav", "rt", "rp", "annotation", "annotation-xml", "desc", "metadata",
          "audio", "video", "iframe"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Extracted:
    """`text`, and `visible`: the characters of visible text that the count found, white space left out.

    `address` is the page's own, for HTML that says one. `lost` names parts that could not be read, each with the
    reason ("chapter 3: ..."): they go into quarantine. The reader's share is `characters(text) / visible`.
    """

    text: str
    visible: int
    address: str = ""
    lost: tuple[str, ...] = ()


def characters(text: str) -> int:
    """How many characters are no white space."""
    return sum(map(len, text.split()))


def visible_in(markup: str) -> int:
    """Characters of HTML or XHTML that a reader sees: no tags, scripts, styles, navigation or ruby glosses."""
    counter = _Counter()
    counter.feed(markup)
    counter.close()
    return counter.found


class _Counter(HTMLParser):
    """Counts text outside of what is not shown; an unseen element that is never closed ends at </body>."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = 0
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag.rpartition(":")[2] in UNSEEN:
            self._inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """<title/> of XHTML opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            del self._inside[self._inside.index(tag) :]
        elif tag == "body":
            self._inside.clear()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.found += characters(data)
