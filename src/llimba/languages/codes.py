"""Which language of a profile a code or a name in somebody's data means: `srd`, `sc`, `srd_Latn`, `SC`, `Sardinian`.

langcodes parses and shortens the tags. It doesn't know which languages a recipe is about, nor FLORES' codes for
macrolanguages (`arb_Arab` for `ar`), which `tables/languages.tsv` has.
"""

from collections.abc import Mapping
from functools import lru_cache

from llimba.data_files.tables import read_tsv
from llimba.languages.profile import TABLES, Language


class Codes:
    """Looks up the profile's code of a language by any usual spelling; one script of a language is not another."""

    def __init__(self, profile: Language, named: Mapping[str, str] | None = None) -> None:
        """`named`: further spellings, each with the profile's code; they come before everything else."""
        self._scripts: dict[str, str] = {}
        spellings: dict[str, str] = {}
        for code in profile.names:
            row = _table().get(code, {})
            flores, script = row.get("flores", ""), row.get("script", "")
            usual = [code, row.get("iso639_3", ""), row.get("wikipedia", "")]
            if code == profile.code:
                flores, script = profile.flores or flores, profile.script or script
                usual += [profile.iso639_3, profile.wikipedia]
            usual += [flores, flores.partition("_")[0]]
            self._scripts[code] = flores.partition("_")[2] or script
            for spelling in filter(None, usual):
                spellings.setdefault(_plain(spelling), code)
        for code, names in profile.names.items():
            for name in names.values():
                spellings.setdefault(_plain(name), code)
        self._spellings = spellings | {_plain(spelling): code for spelling, code in (named or {}).items()}
        self._found: dict[str, str | None] = {}

    def code(self, value: str) -> str | None:
        """The profile's code of the language that `value` names; None for another language, or for no language."""
        if value not in self._found:
            if len(self._found) > 10_000:  # no list of languages is that long: a wrong column
                self._found.clear()
            self._found[value] = self._look_up(_plain(value))
        return self._found[value]

    def is_language(self, value: str) -> bool:
        """Whether `value` is a code of any language at all, or one of the profile's names."""
        from langcodes import tag_is_valid

        return self.code(value) is not None or (0 < len(value) < 40 and bool(tag_is_valid(_plain(value))))

    def _look_up(self, plain: str) -> str | None:
        if plain in self._spellings:
            return self._spellings[plain]
        if not 2 <= len(plain) < 40:
            return None
        from langcodes import Language as Tag
        from langcodes.tag_parser import LanguageTagError

        try:
            tag = Tag.get(plain)
        except LanguageTagError:
            return None
        code = self._spellings.get(_plain(tag.language or ""))
        if code is None or (tag.script and self._scripts[code] and tag.script != self._scripts[code]):
            return None
        return code


def _plain(spelling: str) -> str:
    return spelling.strip().casefold().replace("_", "-")


@lru_cache
def _table() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in read_tsv(TABLES / "languages.tsv")}
