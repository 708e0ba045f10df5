"""Norm tags: a word before a text that says in which variety or norm it is written, and whether a machine wrote it.

A model that reads several written norms unmarked mixes them, which is how translation into Romansh fails (arXiv
2603.25489); a mark lets it keep them apart, and lets whoever asks choose one. It is left out of a share of the texts,
chosen by hash, so that a prompt without a mark still works.
"""

from llimba.files import stable_fraction
from llimba.languages.profile import Language
from llimba.recipe import NormTags
from llimba.records import Record


class Tags:
    """The recipe's tags; without the section every text goes without."""

    def __init__(self, settings: NormTags | None, language: Language, seed: int) -> None:
        self._settings, self._language, self._seed = settings, language, str(seed)

    def of(self, record: Record, document: str) -> str:
        """The tag of a record in the language to be learned, or "": `document` is the id of the text it stands in."""
        if self._settings is None or stable_fraction("norm tag", self._seed, document) < self._settings.dropout:
            return ""
        return self._language.tag(record.variety, record.norm, record.origin)
