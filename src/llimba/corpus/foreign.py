"""Lines that are not in the language of their document: an Italian quotation leaves a Sardinian page, the page stays.

The identifier learns from the sources that the recipe trusts (`corpus.identify`) and looks at the others' documents in
the language to be learned. A line counts as foreign only where it is surely in another of the languages learned from:
what is too short or odd to tell stays with its page.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llimba.recipe import Recipe
from llimba.records import Document, Pair

if TYPE_CHECKING:
    from llimba.identify.identifier import Identifier


def learn(recipe: Recipe, documents: Sequence[Document], pairs: Sequence[Pair]) -> "Identifier | None":
    """An identifier trained on the trusted sources' lines and sides; None where the recipe trusts none."""
    from llimba.identify.identifier import Identifier

    trusted = set(recipe.corpus.identify)
    if not trusted:
        return None
    texts: dict[str, list[str]] = {}
    for document in documents:
        if document.source in trusted and document.role == "train":
            texts.setdefault(document.language, []).extend(document.text.split("\n"))
    for pair in pairs:
        if pair.source in trusted and pair.role == "train":
            for language, text in pair.texts.items():
                texts.setdefault(language, []).append(text)
    unique = {language: list(dict.fromkeys(lines)) for language, lines in texts.items()}
    return Identifier.train(unique, recipe.profile.code, recipe.seed)


def foreign_lines(document: Document, identifier: "Identifier") -> dict[str, str]:
    """The lines of a document that are surely in another language, and in which."""
    labelled = identifier.paragraphs(document.text)
    known = set(identifier.languages) - {document.language}
    return {line: label.language for line, label in labelled if label.language in known}
