"""One walk over a pydantic schema: what may stand at each place of a file, from the models' fields alone.

Three questions that need the schema are answered here, so that no list of sections or keys repeats it: which texts name
local files, which keys a place knows, and what the user wrote where pydantic's location holds names of its own (the tag
of a union, the type that it tried).
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from llimba.data_files.faults import shortened

YAML_SUFFIXES = (".yaml", ".yml")


class NamesYaml:
    """Marks text that is the name of something shipped, or the path of a file where it ends in .yaml or .yml."""


Value = dict[str, "Value"] | list["Value"] | str | int | float | bool | None  # of a YAML file

FileOrName = Annotated[str, NamesYaml()]


@dataclass(frozen=True, slots=True)
class Shape:
    """What may stand at one place: one type, or several (`options`), which the key `tag` may choose among."""

    type: object = None
    options: tuple["Shape", ...] = ()
    tag: str = ""
    yaml: bool = False  # text that ends in .yaml names a file
    nullable: bool = False  # null is a value of its own here

    @classmethod
    def of(cls, annotation: object, metadata: Sequence[object] = ()) -> "Shape":
        """The shape of an annotation; `metadata` is what stood beside it in `Annotated`."""
        while get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            metadata = (*metadata, *more)
        if get_origin(annotation) in (Union, UnionType):
            members = [member for member in get_args(annotation) if member is not NoneType]
            nullable = len(members) < len(get_args(annotation))
            if len(members) == 1:
                return replace(cls.of(members[0], metadata), nullable=nullable)
            tags = [one.discriminator for one in metadata if isinstance(one, FieldInfo) and one.discriminator]
            return cls(
                options=tuple(cls.of(member) for member in members), tag=str(tags[0]) if tags else "", nullable=nullable
            )
        return cls(annotation, yaml=any(isinstance(one, NamesYaml) for one in metadata))

    @property
    def fields(self) -> dict[str, FieldInfo]:
        """The fields of a section; none where no section may stand."""
        return self.type.model_fields if isinstance(self.type, type) and issubclass(self.type, BaseModel) else {}

    @property
    def alternatives(self) -> tuple["Shape", ...]:
        """The single shapes that may stand here."""
        return self.options or (self,)

    @property
    def keys(self) -> list[str]:
        """The keys that a section here may have."""
        return list(dict.fromkeys(key for one in self.alternatives for key in one.fields))

    def chosen(self, tag: object) -> "Shape":
        """The section that `tag` chooses, a value of the key `self.tag`; all of them where it chooses none."""
        for one in self.options:
            field = one.fields.get(self.tag)
            if field is not None and tag in get_args(field.annotation):
                return one
        return self

    def at(self, key: str | int) -> "Shape":
        """What may stand under a key of a section or mapping, or at a position of a list."""
        found = []
        for one in self.alternatives:
            arguments = get_args(one.type)
            if key in one.fields:
                field = one.fields[str(key)]
                found.append(Shape.of(field.annotation, (field, *field.metadata)))
            elif get_origin(one.type) is dict:
                found.append(Shape.of(arguments[1]))
            elif get_origin(one.type) is list:
                found.append(Shape.of(arguments[0]))
        return found[0] if len(found) == 1 else Shape(options=tuple(found))

    def names_file(self, text: str) -> bool:
        """Whether `text` at this place is the path of a local file or folder."""
        return any(
            one.names_file(text) if one.options else one.type is Path or (one.yaml and text.endswith(YAML_SUFFIXES))
            for one in self.alternatives
        )


def anchored(value: Value, shape: Shape, folder: Path) -> Value:
    """A copy of `value` with every path in it relative to `folder`, the place of the file that states it."""
    if isinstance(value, str):
        return str(folder / os.path.expanduser(value)) if shape.names_file(value) else value
    if isinstance(value, dict):
        inner = shape.chosen(value.get(shape.tag)) if shape.tag else shape
        return {key: anchored(item, inner.at(key), folder) for key, item in value.items()}
    if isinstance(value, list):
        return [anchored(item, shape.at(index), folder) for index, item in enumerate(value)]
    return value


def local_paths(value: object) -> Iterator[Path]:
    """Every local file or folder that a section (or a mapping of sections) reads, so that a change of it is seen.

    Fields that decide nothing about the output (`exclude`) are left out.
    """
    return (path for _, path in named_paths(value))


def named_paths(value: object, shape: Shape | None = None) -> Iterator[tuple[tuple[str, ...], Path]]:
    """`local_paths`, each with the keys that lead to it."""
    shape = shape or Shape()
    inner: list[tuple[str, object, Shape]] = []
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        inner = [
            (name, getattr(value, name), Shape.of(f.annotation, f.metadata)) for name, f in fields if not f.exclude
        ]
    elif isinstance(value, dict):
        inner = [(str(key), item, shape.at(key)) for key, item in value.items()]
    elif isinstance(value, list):
        inner = [(str(index), item, shape.at(index)) for index, item in enumerate(value)]
    elif isinstance(value, Path) or (isinstance(value, str) and shape.names_file(value)):
        yield (), Path(value)
    for key, item, of in inner:
        yield from (((key, *keys), path) for keys, path in named_paths(item, of))


def path_fault(path: Path) -> str | None:
    """What makes a path one that cannot be read from, whatever is put there; None where nothing does, or it is free."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return f"{shortened(str(path))} cannot be read: {getattr(error, 'strerror', None) or error}"
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    return f"{shortened(str(path))} is a device, a pipe or a socket: name a file or a folder"


def as_written(location: Sequence[str | int], shape: Shape) -> tuple[tuple[str | int, ...], Shape]:
    """pydantic's location without the names that it puts between the keys, and the shape of what holds its last key."""
    written: list[str | int] = []
    holder, entered = shape, False
    for part in location:
        if shape.options and not entered:  # pydantic names the member of a union that it tried
            shape, entered = shape.chosen(part), True
            continue
        written.append(part)
        holder, shape, entered = shape, shape.at(part), False
    return tuple(written), holder
