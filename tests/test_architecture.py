"""The way through the house, held by a test: imports go one way, stages never meet, heavy libraries come late."""

import ast
import re
import subprocess
import sys
import time
from pathlib import Path

from tests import ROOT

SOURCE = ROOT / "src" / "llimba"
FILES = sorted(SOURCE.rglob("*.py"))

STAGES = ("sources", "corpus", "instruct", "cpt", "sft", "evaluate", "publish")
# From the door inwards: a folder imports from later rows only. The ground holds what needs nothing else, in order.
LAYERS = (
    ("cli",),
    ("pipeline",),
    ("stages",),
    ("training", "use"),
    ("reports", "models"),
    ("recipe",),
    ("languages",),
    (
        "packages",
        "package_names",
        "archives",
        "records",
        "manifest",
        "digests",
        "files",
        "data_files",
        "progress",
        "processes",
        "errors",
    ),
)
HEAVY = {
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "datasets",
    "lm_eval",
    "sacrebleu",
    "matplotlib",
    "sklearn",
    "huggingface_hub",
    "datatrove",
    "tokenizers",
    "openai",
    "starlette",
    "uvicorn",
    "aiohttp",
    "gradio",
}
# what else is imported with the engine or with datatrove, in functions only
LATE = {f"stages/sft/{name}.py" for name in ("gap", "merge")}
LATE |= {"use/serving/listening.py"}  # whose connections are uvicorn's
LATE |= {f"stages/corpus/{name}.py" for name in ("clean", "executor", "finish", "lines", "near", "shards")}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "misc", "manager", "base"}


def unit(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def modules(path: Path) -> set[str]:
    """Modules of llimba that a file imports, late imports included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("llimba.")}


def imports(path: Path) -> set[str]:
    """Units of llimba that a file imports."""
    return {name.split(".")[1] for name in modules(path)} - {unit(path), "__version__"}


def test_imports_go_one_way() -> None:
    row = {name: index for index, names in enumerate(LAYERS) for name in names}
    ground = LAYERS[-1]
    wrong = []
    for path in FILES:
        here = unit(path)
        if path.parent == SOURCE and here.startswith("__"):
            continue
        assert here in row, f"{here} has no place in LAYERS: give it one"
        for other in imports(path):
            inwards = row[other] > row[here]
            if here in ground and other in ground:
                inwards = ground.index(other) > ground.index(here)
            if not inwards:
                wrong.append(f"{path.relative_to(SOURCE)} imports {other}: upwards or sideways")
    assert not wrong


def test_no_file_imports_itself_by_way_of_others() -> None:
    names = {
        ".".join(["llimba", *p.relative_to(SOURCE).with_suffix("").parts]).removesuffix(".__init__"): p for p in FILES
    }
    edges = {
        name: {found for found in (m if m in names else m.rpartition(".")[0] for m in modules(path)) if found in names}
        for name, path in names.items()
        if path.stem != "__init__"  # a package's face lists what is in it
    }
    while leaves := [name for name, to in edges.items() if not to & edges.keys()]:
        for name in leaves:
            del edges[name]
    assert not edges, "import circles, and what leads to them"


def test_stages_never_import_one_another() -> None:
    wrong = []
    for path in FILES:
        parts = path.relative_to(SOURCE).parts
        if len(parts) > 2 and parts[0] == "stages":
            others = {name.split(".")[2] for name in modules(path) if name.startswith("llimba.stages.")}
            wrong += [f"{'/'.join(parts)} imports {other}" for other in others & set(STAGES) - {parts[1]}]
    assert not wrong


def test_every_file_says_what_it_is_and_has_a_name_of_its_own() -> None:
    unsaid = [str(path) for path in FILES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not unsaid
    assert not [str(path) for path in FILES if path.stem in FORBIDDEN_NAMES]
    too_long = [str(path) for path in FILES if len(path.read_text().splitlines()) > 420]
    assert not too_long, "more than one room"


def test_heavy_libraries_are_imported_late() -> None:
    wrong = []
    for path in FILES:
        if unit(path) == "training" or path.relative_to(SOURCE).as_posix() in LATE:
            continue  # the engine is itself imported late
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            if {name.split(".")[0] for name in names} & HEAVY:
                wrong.append(f"{path.relative_to(SOURCE)}: {names}")
    assert not wrong


def test_no_pickle_no_remote_code() -> None:
    unsafe = re.compile(r"\bpickle\b(?! anywhere)|torch\.load\(|weights_only=False|trust_remote_code=True")
    assert not [str(path) for path in FILES if unsafe.search(path.read_text())]


def test_tests_mirror_the_folders() -> None:
    """`llimba/stages/corpus/` is tested in `tests/stages/corpus/`, however its files are cut."""
    folders = {path.parent.relative_to(SOURCE) for path in FILES if path.stem != "__init__"}
    missing = [str(folder) for folder in folders if not list((ROOT / "tests" / folder).glob("test_*.py"))]
    assert not missing, f"no tests for {missing}"


def test_stage_names_are_one_word_everywhere() -> None:
    from llimba.pipeline.stage_table import STAGES as TABLE
    from llimba.recipe import Recipe

    assert tuple(stage.name for stage in TABLE) == STAGES
    for index, stage in enumerate(TABLE):
        assert (SOURCE / "stages" / stage.name / "stage.py").exists()
        assert stage.name in Recipe.model_fields
        assert (ROOT / "tests" / "stages" / stage.name).is_dir()
        assert set(stage.needs) <= set(STAGES[:index]), "a stage may only need earlier ones"


def test_help_imports_nothing_heavy_and_answers_at_once() -> None:
    code = f"import sys, llimba.cli; print(sorted(set({sorted(HEAVY)!r}) & set(sys.modules)))"
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert time.monotonic() - started < 20  # a hang, not a benchmark: the speed is measured in docs/log.md


def test_paths_named_in_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    tree = readme.split("```text\nllimba/", 1)
    named = re.findall(r"`((?:src|recipes|docs|benchmarks|tests)/[\w./-]+)`", tree[0])
    assert named
    for name in named:
        assert (ROOT / name).exists(), f"README names {name}, which is not there"
