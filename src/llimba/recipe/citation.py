"""What a model card cites: a paper, as BibTeX."""

import re
from collections.abc import Sequence

from pydantic import Field

from llimba.recipe.section import Section


class Paper(Section):
    """A paper; `eprint` is its arXiv id where it has one."""

    title: str = Field(min_length=1)
    authors: list[str] = []
    year: int | None = Field(default=None, gt=1900, lt=2200)
    eprint: str | None = None
    primary_class: str | None = None  # of arXiv, e.g. cs.CL
    url: str | None = None

    def bibtex(self) -> str:
        """The entry, keyed by the first word of the title and the year."""
        return bibtex(
            f"{re.split('[^A-Za-z0-9]', self.title)[0].lower() or 'paper'}{self.year or ''}",
            title=self.title,
            author=self.authors,
            year=self.year,
            eprint=self.eprint,
            archivePrefix="arXiv" if self.eprint else None,
            primaryClass=self.primary_class,
            url=self.url or (f"https://arxiv.org/abs/{self.eprint}" if self.eprint else None),
        )


def bibtex(key: str, **fields: str | int | Sequence[str] | None) -> str:
    """An entry @misc with the fields that have a value; a list holds names of people."""
    stated = {
        name: value if isinstance(value, str | int) else " and ".join(value) for name, value in fields.items() if value
    }
    return f"@misc{{{key},\n" + "".join(f"  {name} = {{{value}}},\n" for name, value in stated.items()) + "}\n"
