"""An HTML page on its way from bytes to text: decoded here, then read by the parsers' own process.

trafilatura would take bytes too, but asks neither the server nor the page for their encoding, and guesses.
"""

from typing import NamedTuple

from llimba.stages.sources.charset import decode
from llimba.stages.sources.extracted import Extracted
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.isolated import Extractor


class Page(NamedTuple):
    """A page as it was saved."""

    name: str  # unique in its source
    data: bytes
    place: str = ""  # within its file
    url: str = ""  # "": not known
    declared: str = ""  # the charset that the server named; "": none


def read_page(page: Page, extractor: Extractor, intake: Intake) -> tuple[Extracted, str]:
    """The page's text and its encoding; raises `Unsafe` where the bytes are no text, or the parser fails."""
    decoded = decode(page.data, page.declared, intake.letters, page=True)
    intake.decoded(page.name, decoded.choice, decoded.replaced)
    return extractor.read("html", decoded.text.encode("utf-8", "replace"), page.url), decoded.choice.encoding
