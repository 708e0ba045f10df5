"""Paragraphs of HTML files, found by an XPath, aligned across languages by their place in the file."""

from collections import Counter
from pathlib import Path
from typing import Any

from lxml import etree, html

from llimba.errors import StageError
from llimba.stages.sources.intake import Intake

Strings = dict[str, dict[str, str]]  # file -> paragraph number -> text


def read_pages(paths: list[Path], xpath: str, intake: Intake) -> Strings:
    """The non-empty paragraphs of each file, by its number in the file, zero-padded."""
    try:
        find = etree.XPath(xpath)
    except etree.XPathSyntaxError as error:
        raise StageError(f"paragraphs: {xpath!r} is not an XPath ({error}).") from error
    pages: Strings = {}
    for path in paths:
        root = html.document_fromstring(path.read_bytes(), parser=html.HTMLParser(encoding="utf-8"))
        nodes: Any = find(root)
        texts = [" ".join(node.text_content().split()) for node in nodes]
        intake.skip("empty paragraph", sum(not text for text in texts))
        # one language has one file of another name for each page: where there is but one, its name says nothing
        name = path.name if len(paths) > 1 else "page"
        pages[name] = {f"{i:05d}": text for i, text in enumerate(texts)}
    return pages


def align(pages: dict[str, Strings], reference: str | None, intake: Intake) -> dict[str, Strings]:
    """Keep what can be trusted: files whose paragraphs number the same in every language, and translated paragraphs.

    A paragraph that equals the one in `reference` (the language the text was written in) was left untranslated and is
    dropped. A file whose counts differ keeps its paragraphs under keys of their own, so that they pair with nothing.
    """
    aligned: dict[str, Strings] = {language: {} for language in pages}
    for name in sorted({name for strings in pages.values() for name in strings}):
        counts = {language: len(strings[name]) for language, strings in pages.items() if name in strings}
        usual = Counter(counts.values()).most_common(1)[0][0]
        for language, count in counts.items():
            paragraphs = pages[language][name]
            if count != usual:
                intake.skip(f"{language}: a page with another number of paragraphs")
                paragraphs = {f"{language}-{key}": text for key, text in paragraphs.items()}
            original = pages[reference].get(name, {}) if reference and language != reference else {}
            kept = {key: text for key, text in paragraphs.items() if text and text != original.get(key)}
            same = sum(1 for key, text in paragraphs.items() if text and text == original.get(key))
            intake.skip(f"{language}: left untranslated", same)
            aligned[language][name] = kept
    return aligned
