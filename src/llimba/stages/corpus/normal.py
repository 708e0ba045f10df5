"""The normal form of a record's text: the profile's apostrophe is that of its own language alone."""

from dataclasses import replace

from llimba.languages.characters import normalize
from llimba.languages.profile import Language
from llimba.records import Document, Pair


def normal_form(document: Document, profile: Language, as_is: bool = False) -> str:
    """A document's text as it is trained on and compared; `as_is` leaves it alone."""
    return document.text if as_is else _normal(document.text, document.language, profile)


def normal_pair(pair: Pair, profile: Language, as_is: bool = False) -> Pair:
    """A pair with every side in its normal form, on one line; `as_is` leaves it alone."""
    if as_is:
        return pair
    texts = {code: _normal(text, code, profile).replace("\n", " ") for code, text in pair.texts.items()}
    return replace(pair, texts=texts)


def _normal(text: str, language: str, profile: Language) -> str:
    return normalize(text, profile.apostrophe) if language == profile.code else normalize(text)
