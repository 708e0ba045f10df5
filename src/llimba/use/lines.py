"""What `llimba translate` reads and writes: lines of text, or the objects of a JSON lines file."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from llimba.errors import LlimbaError
from llimba.use.translate import LineTranslation


class Given(NamedTuple):
    """Lines to translate and, for JSON lines, the objects that they come from."""

    lines: list[str]
    rows: list[dict[str, object]] | None


def read(text: str, json_field: str | None) -> Given:
    """Split into lines; with `json_field` every line is an object, and that field of it is what is translated.

    Raises `LlimbaError` with the number of a broken line, before anything is translated.
    """
    lines = text.removeprefix("\ufeff").split("\n")
    if lines and not lines[-1]:
        lines.pop()  # a file ends with a newline
    if json_field is None:
        return Given([line.removesuffix("\r") for line in lines], None)
    texts: list[str] = []
    rows: list[dict[str, object]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LlimbaError(f"line {number}: not valid JSON ({error}).") from error
        if not isinstance(row, dict) or not isinstance(row.get(json_field), str):
            raise LlimbaError(
                f"line {number}: expected a JSON object with a text under '{json_field}'. Name the field with --field."
            )
        texts.append(row[json_field].replace("\n", " "))
        rows.append(row)
    return Given(texts, rows)


def written(given: Given, translated: Iterable[LineTranslation]) -> Iterator[str]:
    """Output lines without newline: the translation, or the object with `translation` and what is wrong with it."""
    if given.rows is None:
        yield from (one.text for one in translated)
        return
    for row, one in zip(given.rows, translated, strict=True):
        more: dict[str, object] = {"translation": one.text}
        if not one.stopped:
            more["cut"] = True
        if one.missing:
            more["missing_terms"] = [term.target for term in one.missing]
        yield json.dumps(row | more, ensure_ascii=False)
