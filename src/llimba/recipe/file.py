"""A recipe is one YAML file, checked whole before any work: unknown keys, wrong types, impossible combinations.

A recipe may extend another (`extends: demo.yaml`, one level) and state only the difference; a key set to null turns off
what null can turn off (`sft: null`), and otherwise removes what it inherited. `--set a.b=c` overrides last. No
environment variables, no interpolation, no Python paths. A path is relative to the file that states it; on the command
line, to the working directory.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from llimba.data_files.checking import faults, sentences
from llimba.data_files.faults import shortened, shown
from llimba.data_files.reading import Unreadable, YamlFile, parse, read_yaml
from llimba.data_files.schema import Shape, Value, anchored
from llimba.errors import RecipeError
from llimba.recipe.whole import Recipe

RECIPE = Shape.of(Recipe)
# replaced whole: a model has one place and shares have one sum, so a part of the old with a part of the new makes none
REPLACED = {"base_model", "mixture"}
SHORT = {"corpus": "as_is"}  # section -> the switch whose name alone may stand for it: `corpus: as_is`

Mapping = dict[str, Value]


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read, extend, override and check a recipe; every fault is a `RecipeError` that names its place, a line each."""
    files = [_read(path)]
    stated = dict(files[0].values)
    if stated.pop("extends", None) is None:
        raw = _anchored(stated, path.parent)
    else:
        files.append(_parent(files[0]))
        parent = _anchored(files[1].values, files[1].path.parent)
        raw = _merge(parent, _anchored(stated, path.parent), RECIPE)
    set_at = [_override(raw, override) for override in overrides]
    raw.setdefault("name", path.stem)
    try:
        return Recipe.model_validate(raw, context={"path": path})
    except ValidationError as error:
        raise RecipeError(sentences(faults(error, Recipe), files, set_at)) from error


def _anchored(stated: Mapping, folder: Path) -> Mapping:
    """What a file states, with its paths relative to the file's folder."""
    return {key: anchored(_in_full(key, value), RECIPE.at(key), folder) for key, value in stated.items()}


def _in_full(key: str, value: Value) -> Value:
    """A section that is given by the name of its one switch, as a section of keys."""
    return {value: True} if isinstance(value, str) and SHORT.get(key) == value else value


def _read(path: Path) -> YamlFile:
    try:
        file = read_yaml(path, "recipe", "language, base_model, sources, cpt")
    except FileNotFoundError:
        near = get_close_matches(path.name, [p.name for p in path.parent.glob("*.yaml")], n=1)
        hint = f" Did you mean {path.parent / near[0]}?" if near else ""
        raise RecipeError(f"there is no recipe {shortened(str(path))}.{hint}") from None
    except Unreadable as error:
        raise RecipeError(str(error)) from error
    if len(file.values) > 2 and not file.values.keys() & {"extends", *RECIPE.keys}:
        keys = ", ".join(map(shortened, list(file.values)[:5]))
        raise RecipeError(f"{path} is not a recipe: none of its keys ({keys}) is one of {', '.join(RECIPE.keys)}.")
    return file


def _parent(file: YamlFile) -> YamlFile:
    """The recipe that `file` extends."""
    extends, here = file.values["extends"], f"{file.path}:{file.line_of(('extends',))[1]}: extends"
    if not isinstance(extends, str) or not extends:
        raise RecipeError(f"{here}: expected the path of another recipe (given: {shown(extends)}).")
    try:
        parent = _read(file.path.parent / extends)
    except RecipeError as error:
        raise RecipeError(f"{here}: {error}") from error
    if "extends" in parent.values:
        raise RecipeError(f"{here}: {shortened(extends)} itself extends another recipe; only one level is read.")
    return parent


def _merge(base: Mapping, change: Mapping, shape: Shape) -> Mapping:
    """What a recipe says over what it extends: sections key by key, everything else replaced, null removed."""
    merged = dict(base)
    for key, value in change.items():
        old, inner = merged.get(key), shape.at(key)
        if value is None and not inner.nullable:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(old, dict) and key not in REPLACED:
            tag = inner.tag or "kind"  # another kind of source, engine or executor replaces the old one whole
            replaces = tag in value and value[tag] != old.get(tag)
            merged[key] = value if replaces else _merge(old, value, inner.chosen(old.get(tag)))
        else:
            merged[key] = value
    return merged


def _override(raw: Mapping, override: str) -> tuple[str, ...]:
    """Set one KEY=VALUE of the command line in `raw`; returns the key's parts."""
    said = f"--set {shortened(override)}"
    key, equals, text = override.partition("=")
    keys = tuple(key.strip().split("."))
    if not equals or not all(part and part.isprintable() for part in keys):
        raise RecipeError(f"{said}: write it as KEY=VALUE, e.g. --set cpt.learning_rate=1e-4")
    try:
        value = parse(text)[1]
    except ValueError as error:
        raise RecipeError(f"{said}: {error}.") from error
    node, shape = raw, RECIPE
    for part in keys[:-1]:
        shape = shape.at(part)
        inner = {} if (inner := node.get(part)) is None else inner
        if not isinstance(inner, dict):
            kind = "a list: set it whole" if isinstance(inner, list) else "a value, not a section"
            raise RecipeError(f"{said}: '{shortened(part)}' is {kind}.")
        shape = shape.chosen(inner.get(shape.tag))
        node[part] = node = dict(inner)
    node[keys[-1]] = anchored(_in_full(key.strip(), value), shape.at(keys[-1]), Path())
    return keys
