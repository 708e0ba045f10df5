"""Values against a pydantic model: what pydantic says of them, as one line a fault with file, line and key."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from llimba.data_files.faults import Fault, Faults, printable, shortened, shown
from llimba.data_files.reading import YamlFile
from llimba.data_files.schema import Shape, as_written

MOST_LINES = 10
LONGEST_LINE = 1000  # characters
SECTIONS = {"model_type", "model_attributes_type", "dict_type", "dataclass_type"}


def faults(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """The faults that pydantic found in values for `model`, at the places that the user wrote."""
    found: dict[Fault, None] = {}
    for detail in error.errors(include_url=False):
        location, holder = as_written(detail["loc"], Shape.of(model))
        inner = detail.get("ctx", {}).get("error")
        several = inner.faults if isinstance(inner, Faults) else [Fault((), _message(detail, location, holder))]
        found |= {Fault((*location, *fault.location), fault.message): None for fault in several}
    return list(found)


def _message(detail: ErrorDetails, location: Sequence[str | int], holder: Shape) -> str:
    """What is wrong, with the nearest key that there is, or the value that was given."""
    kind, context = detail["type"], detail.get("ctx", {})
    key = str(context.get("discriminator", "")).strip("'")  # of a union: kind, engine
    if kind == "extra_forbidden":
        return f"there is no such key. {_nearest(str(location[-1]), holder.keys)}"
    if kind == "missing":
        return "is missing; add it."
    if kind == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    if kind in SECTIONS:
        return f"expected a section of keys (given: {shown(detail['input'])})"
    if kind == "union_tag_invalid":
        known = context["expected_tags"].replace("'", "").split(", ")
        return f"there is no {key} '{shortened(context['tag'])}'. {_nearest(context['tag'], known)}"
    if kind == "union_tag_not_found":
        return f"{key} is missing; add it."
    switch = kind == "string_type" and isinstance(detail["input"], bool)
    hint = "; YAML reads no, yes, on and off as a switch: put it in quotes" if switch else ""
    return f"{detail['msg']} (given: {shown(detail['input'])}{hint})"


def _nearest(name: str, known: Sequence[str]) -> str:
    """The known name that `name` is probably meant to be, else all of them."""
    near = get_close_matches(name[:100], known, n=1, cutoff=0.5)
    return f"Did you mean '{near[0]}'?" if near else f"Known here: {', '.join(sorted(known))}."


def sentences(found: Sequence[Fault], files: Sequence[YamlFile], set_at: Iterable[Sequence[str]] = ()) -> str:
    """One line a fault, `MOST_LINES` at most. Its place is a line of the file that states most of its location.

    `set_at` are the keys that the command line set, which come before any file.
    """
    lines = []
    for fault in found[: MOST_LINES if len(found) <= MOST_LINES else MOST_LINES - 1]:
        stated = [(*file.line_of(fault.location), file.path) for file in files]
        depth, line, path = max(stated, key=lambda one: one[0])
        if any(_set_here(tuple(keys), fault.location, depth) for keys in set_at):
            place = "--set"
        else:
            place = f"{path}:{line}" if line else str(path)
        lines.append(printable(f"{place}: {fault}"[:LONGEST_LINE]))
    if len(found) > len(lines):
        lines.append(f"{printable(str(files[0].path))}: and {len(found) - len(lines)} more.")
    return "\n".join(lines)


def _set_here(keys: tuple[str, ...], location: tuple[str | int, ...], stated: int) -> bool:
    """Whether the command line set the value at `location`, of which a file states the first `stated` parts."""
    return location[: len(keys)] == keys or (stated < len(location) and keys[: len(location)] == location)
