"""Text to values: a YAML file becomes mappings, lists, text, numbers and switches, or one sentence says why not.

PyYAML's SafeLoader builds no objects, but reads more than a recipe needs and is bounded by nothing: dates, sets,
binary, keys that are not text or are given twice, aliases that unfold to gigabytes, nesting that ends Python's stack.
Here a date is text, and the others are faults with a line. `1e-4` is a number, as in YAML 1.2 (1.1 reads it as a word).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from llimba.data_files.faults import printable, shortened
from llimba.data_files.schema import Value

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_VALUES = 100_000  # after aliases are unfolded
TAG = "tag:yaml.org,2002:"
SCALARS = {f"{TAG}{name}" for name in ("str", "int", "float", "bool", "null")}
ALLOWED = SCALARS | {f"{TAG}{name}" for name in ("seq", "map", "merge")}
TAB = repr("\t")  # in PyYAML's messages
NO_TEXT = re.compile("[\0\ud800-\udfff]")
KEYS = {f"{TAG}str", f"{TAG}merge"}


class _Refused(yaml.MarkedYAMLError):
    """Valid YAML that is not plain data, or more of it than anybody writes by hand."""

    def __init__(self, problem: str, mark: yaml.Mark) -> None:
        super().__init__(problem=problem, problem_mark=mark)


class _Loader(yaml.SafeLoader):
    """A SafeLoader with bounds, for what a recipe may hold."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0
        self._sizes: dict[int, tuple[int, int]] = {}  # id of a finished node -> values in it, levels below it

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node with all below it; raises `_Refused` where it is too deep, too large or not plain data."""
        mark, alias = self.peek_event().start_mark, self.check_event(yaml.AliasEvent)  # type: ignore[no-untyped-call]
        if self._level > MAX_DEPTH:
            raise _Refused(f"nested deeper than {MAX_DEPTH} levels", mark)
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        if alias or node is None:
            if id(node) not in self._sizes:
                raise _Refused("an alias inside its own anchor", mark)
            return node
        below = self._below(node)
        values = 1 + sum(self._sizes[id(one)][0] for one in below)
        depth = 1 + max((self._sizes[id(one)][1] for one in below), default=0)
        if values > MAX_VALUES or depth > MAX_DEPTH:
            raise _Refused(f"its aliases unfold to more than {MAX_VALUES:,} values or {MAX_DEPTH} levels", mark)
        self._sizes[id(node)] = values, depth
        return node

    def _below(self, node: yaml.Node) -> list[yaml.Node]:
        """The nodes directly below; raises `_Refused` for a foreign tag, and for keys that are not text or double."""
        if node.tag not in ALLOWED:
            said = node.tag.replace(TAG, "!!")
            raise _Refused(f"{said} is a type that is not read: write text, numbers, lists, mappings", node.start_mark)
        if isinstance(node, yaml.ScalarNode) and NO_TEXT.search(node.value):
            raise _Refused("a NUL, or half a surrogate pair, in text", node.start_mark)
        if not isinstance(node, yaml.MappingNode):
            return list(node.value) if isinstance(node, yaml.SequenceNode) else []
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in KEYS:
                said = f"'{shortened(key.value)}'" if isinstance(key, yaml.ScalarNode) else "this one"
                raise _Refused(f"a key must be text, and {said} is not: put it in quotes", key.start_mark)
            if key.value in lines:
                problem = f"the key '{shortened(key.value)}' is given here and in line {lines[key.value]}: keep one"
                raise _Refused(problem, key.start_mark)
            lines[key.value] = key.start_mark.line + 1
        return [one for pair in node.value for one in pair]

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        """The value of a node; raises `_Refused` for text that does not fit its tag and huge integers."""
        try:
            if node.tag == f"{TAG}merge":  # `<<` as a value is text
                return self.construct_scalar(node)  # type: ignore[arg-type]
            value: object = super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError):
            problem = f"'{shortened(node.value)}' is not a valid {node.tag.removeprefix(TAG)}"
            raise _Refused(problem, node.start_mark) from None
        if isinstance(value, int) and value.bit_length() > 63:
            raise _Refused("the number is too large: 64 bits at most", node.start_mark)
        return value


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in ALLOWED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    f"{TAG}float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A file that was read: its values, and its nodes, which know their lines."""

    path: Path
    values: dict[str, Value]
    root: yaml.Node

    def line_of(self, location: Sequence[str | int]) -> tuple[int, int]:
        """How many parts of `location` the file states itself, and the line of the last of them (0: none)."""
        node, line = self.root, 0
        for depth, part in enumerate(location):
            if isinstance(node, yaml.MappingNode):
                # the last: keys that `<<` brings in come first
                found = next((pair for pair in reversed(node.value) if pair[0].value == part), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                found = node.value[part], node.value[part]
            else:
                found = None
            if found is None:
                return depth, line
            line, node = found[0].start_mark.line + 1, found[1]
        return len(location), line


class Unreadable(Exception):
    """One line for the person who wrote the file."""


def read_yaml(path: Path, what: str, example: str) -> YamlFile:
    """Read a file of one YAML mapping; `what` it should be and which keys it has (`example`) go into the message.

    Raises `FileNotFoundError` for no file, `Unreadable` of one line for one that cannot be read or is no mapping.
    """
    text = _text(path)
    try:
        root, values = _load(text)
    except yaml.YAMLError as error:
        line, problem = _explained(error, text)
        raise Unreadable(f"{printable(str(path))}{line}: {problem}.") from error
    if not isinstance(values, dict) or root is None:
        kinds = {list: "a list", str: "text", bool: "a switch", int: "a number", float: "a number"}
        found = kinds.get(type(values), "empty")
        raise Unreadable(f"{printable(str(path))} is {found}, not a {what}: expected keys such as {example}.")
    return YamlFile(path, values, root)


def parse(text: str) -> tuple[yaml.Node | None, Value]:
    """The nodes and the value of a piece of YAML; raises `ValueError` with the reason if there is none."""
    try:
        return _load(text)
    except yaml.YAMLError as error:
        raise ValueError(_explained(error, text)[1]) from error


def _text(path: Path) -> str:
    try:
        if path.is_fifo() and path.parts[:2] != ("/", "dev"):  # a shell's <(...) is /dev/fd/63
            raise Unreadable(f"{shortened(str(path))} is a pipe, and nobody may ever write to it: name a file.")
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Unreadable(f"{printable(str(path))} is larger than {MAX_BYTES:,} bytes: is it the right file?")
        return data.decode("utf-8")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"{printable(str(path))} is not UTF-8 text (byte {error.start:,}): save it as UTF-8."
        ) from None
    except OSError as error:
        raise Unreadable(f"{shortened(str(path))} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a name with a NUL byte, or one that the file system cannot write
        raise Unreadable(f"{shortened(str(path))} cannot be the name of a file: {error}.") from error


def _load(text: str) -> tuple[yaml.Node | None, Value]:
    """The nodes and the values of a text; raises `yaml.YAMLError`."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    except (ValueError, OverflowError) as error:  # PyYAML's own: an escape such as "\\UFFFFFFFF" names no character
        mark = loader.get_mark()
        raise yaml.MarkedYAMLError(problem=f"a character that does not exist ({error})", problem_mark=mark) from error
    finally:
        loader.dispose()


def _explained(error: yaml.YAMLError, text: str) -> tuple[str, str]:
    """The line of a fault as ":3" (empty where it has none), and what is wrong."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f":{line}", f"the character U+{ord(text[error.position]):04X} is not allowed in a file"
    mark, problem = None, str(error)
    if isinstance(error, yaml.MarkedYAMLError):
        mark, problem = error.problem_mark or error.context_mark, error.problem or error.context or ""
    if not isinstance(error, _Refused):
        problem = f"not valid YAML: {problem}"
    if TAB in problem:
        problem = "a tab: indent with spaces"
    return f":{mark.line + 1}" if mark else "", printable(problem[:200])
