"""A recipe is one YAML file, checked whole before any work: unknown keys, wrong types, impossible combinations.

A recipe may extend another (`extends: demo.yaml`, one level) and state only the difference; a key set to null removes
what it inherited. `--set a.b=c` overrides last. No environment variables, no interpolation, no Python paths.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from llimba.errors import RecipeError
from llimba.recipe import HubSource, LocalSource, PackageSource, ParallelSource, Recipe, Source, WikipediaSource

DISCRIMINATORS = {
    "package",
    "local",
    "parallel",
    "hub",
    "wikipedia",
    "apertium",
    "nllb",
    "model",
}  # in pydantic's locations only


class _NumberLoader(yaml.SafeLoader):
    """YAML 1.1 reads `1e-4` as a word; people mean the number."""


_NumberLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read, extend, override and check a recipe; every fault is a `RecipeError` that names its place."""
    text = _read(path)
    raw = _parse(path, text)
    parent_name = raw.pop("extends", None)
    if parent_name is not None:
        parent_path = path.parent / str(parent_name)
        parent = _parse(parent_path, _read(parent_path, named_in=path))
        if "extends" in parent:
            raise RecipeError(f"{path}: extends {parent_name}, which itself extends another; only one level is read.")
        _anchor(parent, parent_path.parent)
        _anchor(raw, path.parent)
        raw = _merge(parent, raw)
    else:
        _anchor(raw, path.parent)
    for override in overrides:
        _override(raw, override)
    raw.setdefault("name", path.stem)
    try:
        return Recipe.model_validate({**raw, "path": path})
    except ValidationError as error:
        raise RecipeError(_explain(error, path, text, overrides)) from error


def _read(path: Path, named_in: Path | None = None) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        where = f" (extends in {named_in})" if named_in else ""
        near = get_close_matches(path.name, [p.name for p in path.parent.glob("*.yaml")], n=1)
        hint = f" Did you mean {path.parent / near[0]}?" if near else ""
        raise RecipeError(f"there is no recipe {path}{where}.{hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} cannot be read: {error}.") from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        raw = yaml.load(text, _NumberLoader)
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise RecipeError(f"{path} holds no recipe: expected sections such as language, base_model, sources, cpt.")
    return raw


def _anchor(raw: dict[str, Any], folder: Path) -> None:
    """Make paths in a recipe relative to the file that states them, whatever the working directory."""
    engines = [*_engines(raw.get("instruct")), *_scored_engines(raw.get("evaluate"))]
    named = (*(raw.get("sources") or {}).values(), *engines)
    for section in (raw.get("base_model"), raw.get("sft"), *named):
        if isinstance(section, dict):
            for key in ("path", "folder", "prefix", "adapter"):
                if isinstance(section.get(key), str):
                    section[key] = str(folder / Path(section[key]).expanduser())
            if isinstance(section.get("files"), dict):
                section["files"] = {c: str(folder / Path(str(p)).expanduser()) for c, p in section["files"].items()}
    evaluate = raw.get("evaluate")
    if isinstance(evaluate, dict):
        if isinstance(evaluate.get("facts"), str):
            evaluate["facts"] = str(folder / Path(evaluate["facts"]).expanduser())
        if isinstance(evaluate.get("published"), list):
            tables = map(str, evaluate["published"])
            evaluate["published"] = [str(folder / t) if t.endswith((".yaml", ".yml")) else t for t in tables]
    language = raw.get("language")
    if isinstance(language, str) and language.endswith((".yaml", ".yml")):
        raw["language"] = str(folder / language)


def _scored_engines(evaluate: Any) -> Iterator[Any]:
    """The sections of `evaluate` that name an engine, before anything is checked."""
    if not isinstance(evaluate, dict):
        return
    baselines, decoding = evaluate.get("baselines"), evaluate.get("decoding")
    tables = [*baselines.values()] if isinstance(baselines, dict) else []
    if isinstance(decoding, dict):
        tables += [how.get("draft") for how in decoding.values() if isinstance(how, dict)]
    for table in tables:
        if isinstance(table, dict):
            yield from table.values()


def _engines(instruct: Any) -> Iterator[Any]:
    """The sections of `instruct` that name an engine, before anything is checked."""
    if not isinstance(instruct, dict):
        return
    back = instruct.get("back_translate")
    tables = [instruct.get("translate")]
    if isinstance(back, dict):
        yield back.get("engine")
        tables += [back.get("engines"), back.get("way_back")]
    for table in tables:
        if isinstance(table, dict):
            yield from table.values()


def _merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            # another kind of source (or place of the base model) replaces the old one whole
            replaces = "kind" in value and value["kind"] != merged[key].get("kind")
            merged[key] = value if replaces or key in {"base_model", "mixture"} else _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _override(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals:
        raise RecipeError(f"--set {override}: write it as KEY=VALUE, e.g. --set cpt.learning_rate=1e-4")
    *parents, last = key.strip().split(".")
    node = raw
    for parent in parents:
        node = node.setdefault(parent, {})
        if not isinstance(node, dict):
            raise RecipeError(f"--set {override}: '{parent}' is a value, not a section.")
    try:
        node[last] = yaml.load(value, _NumberLoader)
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {override}: the value is not valid YAML ({error}).") from error


def _explain(error: ValidationError, path: Path, text: str, overrides: Sequence[str]) -> str:
    """One line per fault: place, what is wrong, nearest match."""
    lines = []
    for fault in error.errors():
        location = [part for part in fault["loc"] if part not in DISCRIMINATORS]
        dotted = ".".join(str(part) for part in location)
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            known = _fields_at(location[:-1], fault["loc"])
            near = get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
            message = "there is no such key. " + (
                f"Did you mean '{near[0]}'?" if near else f"Known here: {', '.join(sorted(known))}."
            )
        elif fault["type"] == "missing":
            message = "is missing; add it."
        elif fault["type"] not in {"value_error"}:
            message += f" (given: {fault['input']!r})"
        place = (
            "--set" if any(o.partition("=")[0].strip() == dotted for o in overrides) else _place(path, text, location)
        )
        lines.append(f"{place}: {dotted}: {message}" if dotted else f"{place}: {message}")
    return "\n".join(lines)


def _fields_at(location: Sequence[Any], full: Sequence[Any]) -> list[str]:
    """The keys that the schema knows at a place in the recipe."""
    if location and location[0] == "sources" and len(location) == 2:
        kinds: dict[str, type[Source]] = {
            "package": PackageSource,
            "local": LocalSource,
            "parallel": ParallelSource,
            "hub": HubSource,
            "wikipedia": WikipediaSource,
        }
        kind = next((str(part) for part in full if part in kinds), "local")
        return list(kinds[kind].model_fields)
    fields: dict[str, Any] = dict(Recipe.model_fields)
    for part in location:
        annotation: Any = fields[str(part)].annotation if str(part) in fields else None
        options = (annotation, *get_args(annotation))  # a section may be left out: CptSection | None
        fields = next((option.model_fields for option in options if hasattr(option, "model_fields")), {})
    return [key for key in fields if key != "path"]


def _place(path: Path, text: str, location: Sequence[Any]) -> str:
    """`file:line` of the deepest key of `location` that this file states itself."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), None
    for part in location:
        if not isinstance(node, yaml.MappingNode):
            break
        entry = next(((k, v) for k, v in node.value if k.value == str(part)), None)
        if entry is None:
            break
        line, node = entry[0].start_mark.line + 1, entry[1]
    return f"{path}:{line}" if line else str(path)
