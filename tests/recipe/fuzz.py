"""Mutated recipes through `load_recipe`: each loads, or is refused in one to ten lines that each name a place.

    python -m tests.recipe.fuzz 5000

The recipes are the shipped ones and others grown from the schema itself, so that a new section or field is fuzzed from
its first day. They are mutated as trees, as text, through `extends`, through `--set` and through a language profile of
their own. Each case has its own random numbers: `python -m tests.recipe.fuzz 1 SEED NUMBER` makes one again.
`test_fuzz.py` runs a few hundred in the suite.
"""

import copy
import datetime
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt

from llimba.data_files.schema import Shape
from llimba.errors import RecipeError
from llimba.languages.profile import PROFILES, load_language
from llimba.recipe import Recipe, local_paths
from llimba.recipe.file import load_recipe
from tests import ROOT
from tests.fakes import recipe_content
from tests.stages.sources.fuzz import mutated as mutated_bytes

SHIPPED = sorted((ROOT / "recipes").glob("*.yaml"))
WORDS = ("sc", "it", "en", "it-sc", "sc-it", "prose", "aligned", "documents", "mit", "x", "./own.yaml", "a/b")
SOURCES = ("prose", "replay", "aligned", "scored")
KNOWN = {  # what the whole recipe must know; anything else may be called anything
    **dict.fromkeys(("identify", "exempt", "translate", "upsample"), SOURCES),
    **dict.fromkeys(("directions", "baselines"), ("it-sc", "sc-it")),
    "language": ("srd",),
    "into": ("it", "en"),
    "source_language": ("it", "sc"),
    "norms": ("lsc", "sos-sas", "is"),
    "license": ("mit", "CC0-1.0", "unknown"),
}
NUMBERS = (0, 1, 2, 0.5, 0.05, 5, 16, 1000)
NASTY_TEXT = (
    *(
        "",
        " ",
        "a" * 5000,
        "\U0001f410" * 40,
        "\ud800",
        "\0",
        "\x1b[2J",
        "no\nnew\nline",
        "~nobody-here/x",
        "~",
        "../..",
        "{x}",
    ),
    *("%s", "null", ".nan", "1e999", "((((", "a OR (b AND", "🐐", "\u202e", "/dev/null", "kind"),
)
NASTY = (
    *(
        None,
        True,
        False,
        -1,
        0,
        2**31,
        2**63,
        2**64,
        -(2**70),
        10**400,
        1e308,
        float("nan"),
        float("inf"),
        [],
        {},
        [[]],
    ),
    *(
        [None],
        {"": {}},
        {"kind": "local"},
        {"engine": []},
        datetime.date(2024, 1, 1),
        b"\xff",
        {1, 2},
        {1: 2},
        {None: 1},
    ),
    *({True: []}, {(1, 2): 3}),
)
YAML_TOKENS = (
    *(b"&a ", b"*a", b"!!set ", b"!!int ", b"!!python/name:os.system ", b"<<: *a\n", b"? ", b"- ", b"\t", b"---\n"),
    *(
        b"%YAML 9.9\n",
        b"{",
        b"]",
        b"|\n",
        b">-\n",
        b"'",
        b'"',
        b": ",
        b"#",
        b"@",
        b"`",
        b"...\n",
        b"\xef\xbb\xbf",
        b"0x",
    ),
    *(b"[" * 200, b"{a: " * 90, b"1:30:00", b"=", b"~", b"\r", b"\x85"),
)
YAML_VALUES = (
    *(
        b"!!int x",
        b"!!int ''",
        b"!!bool x",
        b"!!float x",
        b"!!timestamp x",
        b"!!binary x",
        b"!!set {a}",
        b"!own x",
        b"0x",
    ),
    *(b"2024-13-45", b"{1: 2}", b"{? [a] : b}", b"&b [*b]", b"*none", b"{<<: 1}", b"{<<: [1]}", b"0x" + b"f" * 4000),
    *(b'"\\ud800"', b'"\\0"', b"9" * 5000, b"{a: 1, a: 2}", b"&c {d: &d [*c]}", b"0b", b"1:99", b"+.inf", b"!!str [a]"),
    *(b"~nobody-here/x", b"!!merge x", b"!!map x", b"!!seq {a: b}", b"? x", b"| x", b"[" * 50, b"!!int [1]"),
)
EXTENDS = (
    *(
        5,
        [],
        {},
        "",
        ".",
        "r.yaml",
        "absent.yaml",
        "/dev/null",
        "/",
        "parent.yaml",
        "parent.yml",
        "a\0b",
        "~",
        "x" * 999,
    ),
    *("profile.yaml", "chain.yaml", "..", None, True),
)

Tree = dict[str, Any]


def grown(shape: Shape, chance: random.Random, fill: float, key: str = "", bounds: Sequence[object] = ()) -> Any:
    """A value that the schema may accept; `fill` is how often a field with a default is given too."""
    if shape.options:
        return grown(chance.choice(shape.options), chance, fill, key, bounds)
    kind, some = shape.type, range(chance.randint(0, 2))
    if shape.fields:
        return {
            name: grown(shape.at(name), chance, fill, name, field.metadata)
            for name, field in shape.fields.items()
            if field.is_required() or chance.random() < fill
        }
    if get_origin(kind) is Literal:
        return chance.choice(get_args(kind))
    if get_origin(kind) is dict:
        return {chance.choice(KNOWN.get(key, WORDS)): grown(shape.at(""), chance, fill) for _ in some}
    if get_origin(kind) is list:
        return [grown(shape.at(0), chance, fill, key) for _ in some]
    if kind is bool:
        return chance.random() < 0.5
    if kind in (int, float):
        return chance.choice([n for n in NUMBERS if (kind is float or n == int(n)) and _within(n, bounds)] or [1])
    return chance.choice(KNOWN.get(key, WORDS))


def _within(number: float, bounds: Sequence[object]) -> bool:
    for bound in bounds:
        if isinstance(bound, Gt) and not number > bound.gt:
            return False
        if isinstance(bound, Ge) and not number >= bound.ge:
            return False
        if isinstance(bound, Lt) and not number < bound.lt:
            return False
        if isinstance(bound, Le) and not number <= bound.le:
            return False
    return True


def whole(chance: random.Random) -> Tree:
    """A small valid recipe, with one section or all of them grown from the schema."""
    content = recipe_content(Path("here"))
    shape = Shape.of(Recipe)
    for name in shape.fields if chance.random() < 0.3 else [chance.choice(list(shape.fields))]:
        value = grown(shape.at(name), chance, chance.choice((0.05, 0.2, 1.0)), name)
        keep = isinstance(value, dict) and isinstance(content.get(name), dict)
        content[name] = {**content[name], **value} if keep else value
    for place in ("hub", "wheel"):  # a base model has one place, and here that is its folder
        content["base_model"].pop(place, None)
    return content


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below a tree."""
    found: list[tuple[Any, Any]] = []
    for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        found += [(tree, key), *places(item)]
    return found


def mutate(tree: Tree, chance: random.Random) -> None:
    """One change of the tree, anywhere in it."""
    holder, key = chance.choice(places(tree) or [(tree, "x")])
    change = chance.randrange(9)
    if change == 0:
        holder[key] = copy.deepcopy(chance.choice(NASTY))
    elif change == 1:
        holder[key] = chance.choice(NASTY_TEXT)
    elif change == 2 and isinstance(holder, dict) and key in holder:
        text = str(key)
        at = chance.randrange(len(text) + 1)
        holder[chance.choice((text[:at] + text[at + 1 :], text[:at] + "x" + text[at:], *NASTY_TEXT))] = holder.pop(key)
    elif change == 3 and isinstance(holder, dict):
        holder.pop(key, None)
    elif change == 4 and isinstance(holder, dict):
        holder[chance.choice((*WORDS, *NASTY_TEXT, *Recipe.model_fields))] = copy.deepcopy(chance.choice(NASTY))
    elif change == 5:
        value: Any = 1
        for _ in range(chance.choice((1, 3, 50, 120))):
            value = chance.choice(({"a": value}, [value]))
        holder[key] = value
    elif change == 6:
        other, there = chance.choice(places(tree) or [(tree, "x")])
        moved = copy.deepcopy(other.get(there) if isinstance(other, dict) else other[there])
        holder[key] = moved  # sections end up in the place of others
    elif change == 7 and isinstance(holder, dict):
        sources = tree.get("sources")
        if isinstance(sources, dict):
            sources[chance.choice(("apertium", "local", "kind", "1", "a.b", "[key]"))] = copy.deepcopy(holder.get(key))
    else:
        holder[key] = {"was": holder[key]} if isinstance(holder, list) or key in holder else None


def as_text(tree: Tree, chance: random.Random) -> bytes:
    """The tree as YAML, and now and then that text mutated."""
    try:
        text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=chance.random() < 0.5).encode("utf-8", "replace")
    except (RecursionError, yaml.YAMLError):
        text = repr(tree).encode("utf-8", "replace")
    return torn(text, chance) if chance.random() < 0.3 else text


def torn(text: bytes, chance: random.Random) -> bytes:
    """Text with tokens of YAML put in, lines doubled, or bytes changed."""
    lines = text.splitlines(keepends=True) or [b""]
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        change = chance.randrange(5)
        if change == 0:
            lines.insert(at, lines[chance.randrange(len(lines))])
        elif change == 1:
            place = chance.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:place] + chance.choice(YAML_TOKENS) + lines[at][place:]
        elif change == 2 and b": " in lines[at]:
            lines[at] = lines[at].partition(b": ")[0] + b": " + chance.choice(YAML_VALUES) + b"\n"
        elif change in (2, 3):
            lines[at] = b" " * chance.randint(0, 3) + lines[at]
        else:
            return mutated_bytes(b"".join(lines), chance)
    return b"".join(lines)


def case(chance: random.Random, folder: Path) -> list[str]:
    """Write one mutated recipe, r.yaml, and what it extends; returns the overrides."""
    shipped = chance.random() < 0.3
    text = chance.choice(SHIPPED).read_text(encoding="utf-8")
    tree: Tree = yaml.safe_load(text) if shipped else whole(chance)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 4))):
        mutate(tree, chance)
    overrides = []
    for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 2))):
        keys = chance.choice(
            [[str(key)] for _, key in places(tree)] + [["cpt", "learning_rate"], ["sources", "prose", "path"]]
        )
        keys += chance.choice(([], [], ["x"], [""], ["0"], list(chance.choice(NASTY_TEXT)[:3])))
        value = chance.choice(
            (str(chance.choice(NASTY)), chance.choice(NASTY_TEXT), "{a: [", "1", "null", "{kind: local}")
        )
        overrides.append(chance.choice((f"{'.'.join(keys)}={value}", ".".join(keys), f"={value}")))
    if chance.random() < 0.25 or "extends" in tree:
        parent = whole(chance)
        if chance.random() < 0.5:
            mutate(parent, chance)
        (folder / "parent.yaml").write_bytes(as_text(parent, chance))
        (folder / "chain.yaml").write_text("extends: parent.yaml\nseed: 1\n")
        (folder / "profile.yaml").write_bytes((PROFILES / "srd.yaml").read_bytes())
        for key in chance.sample(list(tree), len(tree) // 2):
            tree.pop(key)
        tree["extends"] = "parent.yaml" if chance.random() < 0.7 else chance.choice(EXTENDS)
    if chance.random() < 0.05:
        load_language.cache_clear()
        profile = yaml.safe_load((PROFILES / "srd.yaml").read_text(encoding="utf-8"))
        for _ in range(chance.randint(0, 2)):
            mutate(profile, chance)
        (folder / "own.yaml").write_bytes(as_text(profile, chance))
        tree["language"] = "own.yaml"
    raw = text.encode() if shipped and chance.random() < 0.3 else None
    (folder / "r.yaml").write_bytes(as_text(tree, chance) if raw is None else torn(raw, chance))
    return overrides


def fault_of(folder: Path, overrides: list[str]) -> str | None:
    """None for a recipe that loads; else the refusal. Raises `AssertionError` for one that is not as it should be."""
    try:
        loaded = load_recipe(folder / "r.yaml", overrides)
        loaded.model_dump_json()
        for section in (loaded.sources, loaded.base_model, loaded.instruct, loaded.sft, loaded.evaluate, loaded.corpus):
            list(local_paths(section))
        return None
    except RecipeError as error:
        message = str(error)
    lines = message.split("\n")
    assert 1 <= len(lines) <= 10, f"{len(lines)} lines"
    for line in lines:
        assert line.isprintable(), "a line that no terminal can show"
        assert len(line) <= 1200, f"a line of {len(line)} characters"
        assert line.startswith("--set") or str(folder) in line, "a line without a place"
        assert not any(word in line for word in ("pydantic", "Traceback", "validation error", "tag:yaml", "Error(")), (
            line
        )
    return message


def fuzz(count: int, seed: int, folder: Path, first: int = 0) -> Counter[str]:
    """Load `count` mutated recipes; returns how many loaded and how many were refused. Raises what should not be."""
    ends = Counter[str]()
    for number in range(first, first + count):
        overrides = case(random.Random(f"{seed}-{number}"), folder)
        try:
            ends["loaded" if fault_of(folder, overrides) is None else "refused with a place"] += 1
        except Exception:
            print(f"case {number} of seed {seed}: --set {overrides!r}, recipe:\n")
            print((folder / "r.yaml").read_bytes()[:20_000].decode("utf-8", "backslashreplace"))
            raise
    return ends


if __name__ == "__main__":
    count, seed, first = (int(value) for value in (*sys.argv[1:4], *("5000", "1", "0")[len(sys.argv) - 1 :]))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        found = fuzz(count, seed, Path(name), first)
    print(f"{found.total():,} mutated recipes in {time.monotonic() - started:.0f} s: {dict(found)}")
