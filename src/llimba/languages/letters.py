"""The letters of a language, of any that CLDR lists: what the bytes of a text in it may stand for.

`tables/languages.tsv` has them; a language that a recipe has a profile for has the profile's alphabet.
"""

from functools import lru_cache

from llimba.data_files.tables import read_tsv
from llimba.languages.profile import TABLES, Language

# CLDR lists thousands of characters for these, so the table has none: a character of each script stands for them
CHARACTERS = {"Jpan": "あア人", "Kore": "한人", "Hang": "한人", "Hans": "人", "Hant": "人", "Hani": "人"}


def letters_of(code: str, profile: Language) -> str:
    """The letters of language `code` in small letters; "" where they are not known."""
    if code in (profile.code, profile.iso639_3):
        return profile.alphabet
    return _table().get(code, "")


@lru_cache
def alphabets() -> tuple[str, ...]:
    """The letters of every language of the table, small and capital ones."""
    return tuple(dict.fromkeys(letters + letters.upper() for letters in _table().values() if len(letters) > 3))


@lru_cache
def _table() -> dict[str, str]:
    rows = read_tsv(TABLES / "languages.tsv")
    letters = {row["code"]: row["letters"] or CHARACTERS.get(row["script"], "") for row in rows}
    return {row["iso639_3"]: letters[row["code"]] for row in rows} | letters
