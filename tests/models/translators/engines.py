"""Engines for the tests: one that turns words around, with faults on request."""

from collections.abc import Sequence
from typing import Any

from llimba.models.translators.engine import Translation


class Backwards:
    """Every word spelled backwards but made-up ones; `calls` counts what it was asked."""

    name = "backwards"
    batch = 3

    def __init__(self, **identity: Any) -> None:
        self.identity: dict[str, Any] = {"engine": "backwards", **identity}
        self.calls: list[str] = []

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        self.calls += sentences
        return [Translation(self.one(sentence), self.unknown(sentence)) for sentence in sentences]

    def one(self, sentence: str) -> str:
        return " ".join(word if "Zqx" in word or not word.isalpha() else word[::-1] for word in sentence.split(" "))

    def unknown(self, sentence: str) -> int:
        return sentence.count("Zqx") + sentence.lower().count("xylo")


class Loses(Backwards):
    """Loses every made-up word."""

    name = "loses"

    def one(self, sentence: str) -> str:
        return " ".join(word for word in super().one(sentence).split(" ") if "Zqx" not in word)
