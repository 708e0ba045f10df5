"""The normal form of a record's text: the profile's apostrophe is that of its own language alone."""

from dataclasses import replace

from llimba.languages.characters import normalize
from llimba.languages.profile import Language
from llimba.records import Document, Pair


def normal_form(document: Document, profile: Language) -> str:
    """A document's text as it is trained on and compared."""
    return _normal(document.text, document.language, profile)


def normal_pair(pair: Pair, profile: Language) -> Pair:
    """A pair with every side in its normal form, on one line."""
    texts = {code: _normal(text, code, profile).replace("\n", " ") for code, text in pair.texts.items()}
    return replace(pair, texts=texts)


def _normal(text: str, language: str, profile: Language) -> str:
    return normalize(text, profile.apostrophe) if language == profile.code else normalize(text)
