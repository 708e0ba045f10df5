"""Strings of a Mozilla language pack (.xpi): human translations, aligned across languages by key.

Fluent files are parsed by `fluent.syntax`; `.properties` files are read line by line, since the Java libraries that
know them whole are far larger than the need. Strings with variables are left out rather than guessed at, and so are
access keys, sizes and addresses: what remains is text that somebody wrote to be read.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from fluent.syntax import FluentParser, ast

from llimba.errors import StageError
from llimba.stages.sources.intake import Intake

NOT_PROSE = re.compile(r"(?i)(access_?key|command_?key|\.key$|\.style$|\.accesskey$|shortcut|\.width$|\.height$)")
VARIABLE = re.compile(r"%[0-9]*\$?[SsdD@]|\{\{|\$\{|#[0-9]|\$[A-Za-z]")
TAG = re.compile(r"<[^>]*>")
ADDRESS = re.compile(r"https?://|^\S+\.\S+/\S*$|^[\w-]+:[\w-]+$")

Strings = dict[str, dict[str, str]]  # file -> key -> text


def read_pack(path: Path, intake: Intake) -> Strings:
    """Every readable string of a language pack, by file (the locale's folders taken out of its name) and key."""
    locale = path.name.removeprefix("langpack-").partition("@")[0]
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise StageError(
            f"{path.name} is not a language pack ({error}); delete the cached package and run again."
        ) from error
    with archive:
        texts = {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    fluent = {name: data.decode("utf-8") for name, data in texts.items() if name.endswith(".ftl")}
    resources = {name: FluentParser(with_spans=False).parse(text) for name, text in fluent.items()}
    terms = {
        entry.id.name: text
        for resource in resources.values()
        for entry in resource.body
        if isinstance(entry, ast.Term) and (text := _plain(entry.value, {})) is not None
    }
    strings: Strings = {}
    for name, resource in resources.items():
        _keep(strings, name, locale, dict(_fluent_strings(resource, terms, intake)), intake)
    for name, data in texts.items():
        if name.endswith(".properties"):
            _keep(strings, name, locale, dict(_properties(data.decode("utf-8"))), intake)
    return strings


def _keep(strings: Strings, name: str, locale: str, found: dict[str, str], intake: Intake) -> None:
    """Add a file's strings that are prose, under a file name that is the same in every language."""
    kept = {}
    for key, text in found.items():
        text = " ".join(TAG.sub("", text).split())
        if NOT_PROSE.search(key) or ADDRESS.search(text) or not any(c.isalpha() for c in text):
            intake.skip("not prose")
        elif VARIABLE.search(text):
            intake.skip("holds a variable")
        else:
            kept[key] = text
    if kept:
        strings["/".join(part for part in name.split("/") if part != locale)] = kept


def _fluent_strings(resource: ast.Resource, terms: dict[str, str], intake: Intake) -> Iterator[tuple[str, str]]:
    for entry in resource.body:
        if not isinstance(entry, ast.Message):
            continue
        patterns = [(entry.id.name, entry.value)] if entry.value else []
        patterns += [(f"{entry.id.name}.{attribute.id.name}", attribute.value) for attribute in entry.attributes]
        for key, pattern in patterns:
            text = _plain(pattern, terms)
            if text is None:
                intake.skip("holds a variable")
            else:
                yield key, text


def _plain(pattern: ast.Pattern, terms: dict[str, str]) -> str | None:
    """The text of a pattern, with brand names filled in; None where a variable or a function is needed."""
    parts = []
    for element in pattern.elements:
        if isinstance(element, ast.TextElement):
            parts.append(element.value)
            continue
        expression = element.expression
        if isinstance(expression, ast.SelectExpression):  # a choice by platform or number: the default stands for it
            default = next(variant for variant in expression.variants if variant.default)
            text = _plain(default.value, terms)
        elif isinstance(expression, ast.TermReference):
            text = terms.get(f"{expression.id.name}")
        elif isinstance(expression, ast.StringLiteral):
            text = expression.parse()["value"]
        else:
            text = None
        if text is None:
            return None
        parts.append(text)
    return "".join(parts)


def _properties(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith(("#", "!")):
            yield (
                key.strip(),
                re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), value.strip()).replace("\\n", " "),
            )
