"""What the page says, in each language that it can be switched to: data of `languages/tables/web.yaml`."""

import html
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

import yaml

from llimba.languages.profile import TABLES, Language

Component = TypeVar("Component")  # of Gradio's
TABLE = TABLES / "web.yaml"
Wording = dict[str, str]
Say = Mapping[str, str | Callable[[str], object]]  # property of a component -> key of the table, or value by language


@lru_cache
def wordings() -> dict[str, Wording]:
    """Language code -> key -> text, in the order of the table."""
    table: dict[str, Wording] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return table


def first_language(language: Language | None) -> str:
    """The language that the page opens in: the model's own where the table has it, else the table's first."""
    known = wordings()
    return language.code if language is not None and language.code in known else next(iter(known))


class Labels:
    """The components of a page that say something, made in one language and said anew in another."""

    def __init__(self, code: str) -> None:
        self.components: list[object] = []
        self._code, self._said = code, list[Say]()

    def put(self, make: Callable[..., Component], say: Say, **options: object) -> Component:
        """A component of the kind `make` with what it says in the page's first language."""
        component = make(**self._properties(say, self._code), **options)
        self.components.append(component)
        self._said.append(say)
        return component

    def said_in(self, code: str) -> list[dict[str, object]]:
        """What every component says in a language, in their order."""
        return [self._properties(say, code) for say in self._said]

    @staticmethod
    def _properties(say: Say, code: str) -> dict[str, object]:
        words = wordings()[code]
        return {name: key(code) if callable(key) else words[key] for name, key in say.items()}


def note(text: str) -> str:
    """A line for the visitor as HTML that shows it as it is: it may quote what somebody typed."""
    return f'<p role="status">{html.escape(text)}</p>' if text else ""
