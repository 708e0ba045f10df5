"""The way through the house, held by a test: imports go one way, stages never meet, heavy libraries come late."""

import ast
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "llimba"
FILES = sorted(SOURCE.rglob("*.py"))

STAGES = ("sources", "corpus", "instruct", "cpt", "sft", "evaluate", "publish")
# From the door inwards; a unit may import units of later rows, and of its own row only where `WITHIN` says so.
LAYERS = (
    ("__main__",),
    ("cli",),
    ("sweep",),
    ("runner", "compare", "plan_table"),
    ("stages",),
    STAGES,
    ("export", "web"),
    ("inference", "serving"),
    ("translators", "interpolation"),
    ("training", "base_model", "packages", "identify", "decontaminate", "next_language"),
    ("recipe_file", "recipe", "language", "prompts", "licensing"),
    ("records", "manifest", "files", "text", "errors", "progress", "peak_memory", "processes", "__init__"),
)
WITHIN = {
    ("training", "base_model"),
    ("base_model", "packages"),
    ("recipe_file", "recipe"),
    ("recipe", "language"),
    ("recipe", "prompts"),
    ("recipe", "licensing"),
    ("prompts", "language"),
    ("records", "files"),
    ("records", "errors"),
    ("manifest", "files"),
    ("manifest", "errors"),
    ("files", "errors"),
    ("progress", "processes"),
}
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
LATE = {"sft/gap.py", "sft/merge.py", "sft/preference.py", "interpolation/weights.py"}
LATE |= {f"corpus/{name}.py" for name in ("clean", "executor", "finish", "lines", "near", "shards")}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "misc", "manager", "base"}


def unit(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Units of llimba that a file imports, late imports included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "llimba" else [node.module]
            )
        found |= {name.split(".")[1] for name in names if name.startswith("llimba.")}
    return found - {unit(path), "__version__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_one_way(path: Path) -> None:
    row = {name: index for index, names in enumerate(LAYERS) for name in names}
    here = unit(path)
    assert here in row, f"{here} has no place in LAYERS: give it one"
    for other in imports(path):
        allowed = row[other] > row[here] or (here, other) in WITHIN
        assert allowed, f"{path.name} ({here}) imports {other}: upwards or sideways"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_file_says_what_it_is_and_has_a_name_of_its_own(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"
    assert path.stem not in FORBIDDEN_NAMES
    assert len(path.read_text().splitlines()) <= 420, f"{path} is more than one room"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_heavy_libraries_are_imported_late(path: Path) -> None:
    if unit(path) == "training" or path.relative_to(SOURCE).as_posix() in LATE:
        pytest.skip("the engine is itself imported late")
    for node in ast.parse(path.read_text()).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        assert not {name.split(".")[0] for name in names} & HEAVY, f"{path} imports {names} at the top"
        assert "llimba.training" not in " ".join(names), f"{path} imports the engine at the top"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_pickle_no_remote_code(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\bpickle\b(?! anywhere)|torch\.load\(|weights_only=False|trust_remote_code=True", text)


def test_every_module_has_its_tests() -> None:
    """`llimba/corpus/split.py` is tested by `tests/corpus/test_split.py`; the doors (cli, recipe) as a whole."""
    missing = [
        str(path.relative_to(SOURCE))
        for path in FILES
        if path.stem not in {"__init__", "__main__", "errors", "stages"}
        and not (ROOT / "tests" / path.relative_to(SOURCE).parent / f"test_{path.stem}.py").exists()
        and not (unit(path) in {"cli", "recipe"} and (ROOT / "tests" / f"test_{unit(path)}.py").exists())
    ]
    assert not missing, f"no tests for {missing}"


def test_stage_names_are_one_word_everywhere() -> None:
    from llimba.recipe import Recipe
    from llimba.stages import STAGES as TABLE

    assert tuple(stage.name for stage in TABLE) == STAGES
    for index, stage in enumerate(TABLE):
        assert (SOURCE / stage.name / "stage.py").exists()
        assert stage.name in Recipe.model_fields
        assert (ROOT / "tests" / stage.name).is_dir()
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
