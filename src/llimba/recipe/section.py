"""What every part of a recipe has in common, and what a part checks against the others."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from llimba.data_files.faults import Fault, shortened
from llimba.languages.profile import Language
from llimba.languages.prompts import split_direction
from llimba.recipe.licensing.derive import Derived


class Whole(NamedTuple):
    """What a section is checked against: the profile, and what it may ask of other sections."""

    profile: Language
    sources: Collection[str]  # their names
    derived_license: Derived
    has_cpt: bool
    cpt_choosing_bytes: int  # that cpt leaves out to choose weights by; 0 without cpt
    identify: bool  # corpus.identify names sources
    identifier: bool  # corpus.identifier names a file


class Section(BaseModel):
    """A part of the recipe: no key that is not declared, no infinite number, nothing changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def check(self, whole: Whole) -> Iterator[Fault]:
        """What does not agree with the language profile, the sources or other sections; places as seen from here."""
        yield from ()

    def faults(self, whole: Whole) -> Iterator[Fault]:
        """The faults of this section and of every section inside it."""
        yield from self.check(whole)
        for name in type(self).model_fields:
            for location, section in _sections(getattr(self, name), (name,)):
                for fault in section.faults(whole):
                    yield Fault((*location, *fault.location), fault.message)


def _sections(value: object, location: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Section]]:
    """The sections in a field's value, with where they are."""
    if isinstance(value, Section):
        yield location, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _sections(item, (*location, key))


def unknown(field: str, names: Iterable[str], known: Iterable[str], what: str, where: str = "") -> Iterator[Fault]:
    """A fault for every name that is not known; `what` is a word for its kind, `where` says who knows them."""
    there = list(known)
    for name in names:
        if name not in there:
            listed = ", ".join(map(shortened, sorted(there)[:20])) or "none"
            yield Fault((field,), f"there is no {what} '{shortened(name)}'{where} (known: {listed})")


def unnamed(directions: Iterable[str], whole: Whole) -> Iterator[Fault]:
    """A fault for every direction whose languages the profile has no name for."""
    profile = whole.profile
    for direction in directions:
        if missing := [code for code in split_direction(direction) if code not in profile.names]:
            yield Fault(
                ("directions",),
                f"'{shortened(direction)}' names '{shortened(missing[0])}', which the profile of {profile.iso639_3} "
                f"has no name for (known: {', '.join(sorted(profile.names))})",
            )
