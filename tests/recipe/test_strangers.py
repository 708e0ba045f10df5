"""A stranger's recipe: what it must not be able to do is refused when it is read, with file, line and key.

docs/security.md says what a recipe can make llimba do; this is the rest. Packages have `tests/test_package_names.py`,
text that is no plain YAML `tests/data_files/test_reading.py`.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from llimba.errors import RecipeError
from llimba.recipe import Recipe
from llimba.recipe.corpus import TRUSTED
from llimba.recipe.file import load_recipe
from tests.fakes import recipe_content

LOCAL = {"kind": "local", "license": "CC0-1.0", "language": "sc"}
MODEL = {"name": "t", "license": "mit"}
HUB = {"kind": "hub", "license": "CC0-1.0", "language": "sc"}
LONG = "x" * 5000
DEEP = "/".join(["y" * 200] * 30)


def load(folder: Path, change: dict[str, Any], overrides: tuple[str, ...] = ()) -> Recipe:
    path = folder / "r.yaml"
    path.write_text(yaml.safe_dump({**recipe_content(folder), **change}, sort_keys=False))
    return load_recipe(path, overrides)


def slurm(**options: object) -> dict[str, Any]:
    return {"corpus": {"executor": {"kind": "slurm", "options": options}}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (slurm(env_command="touch ran"), "corpus.executor.options.env_command: can run commands"),
        (slurm(srun_args={"x": "y"}), "corpus.executor.options.srun_args: can run commands"),
        (slurm(sbatch_args={"wrap": "touch ran"}), "corpus.executor.options.sbatch_args: can run commands"),
        (slurm(venv_path="/tmp/evil"), "corpus.executor.options.venv_path: can run commands"),
        (slurm(logging_dir="/tmp/x"), "corpus.executor.options.logging_dir: can run commands or write elsewhere"),
        (slurm(partition="cpu\ntouch ran"), "corpus.executor.options.partition: must be a number, a switch or a word"),
        (slurm(time="$(touch ran)"), "corpus.executor.options.time: must be a number"),
        (slurm(time=["1"]), "corpus.executor.options.time: must be a number"),
        ({"sources": {"a": {**LOCAL, "path": "/dev/zero"}}}, "sources.a.path: /dev/zero is a device"),
        ({"sources": {"a": {**LOCAL, "path": LONG}}}, "cannot be read: File name too long"),
        ({"sources": {"a": {**LOCAL, "path": DEEP}}}, "cannot be read: File name too long"),
        ({"evaluate": {"facts": "/dev/urandom"}}, "evaluate.facts: /dev/urandom is a device"),
        ({"corpus": {"identifier": "/dev/stdin"}}, "corpus.identifier: /dev/stdin is a device"),
        ({"base_model": {**MODEL, "folder": "/dev/null"}}, "base_model.folder: /dev/null is a device"),
        ({"base_model": {**MODEL, "folder": LONG}}, "cannot be read: File name too long"),
        ({"base_model": {**MODEL, "hub": "../../etc"}}, "base_model.hub: '../../etc' is no model's id on the hub"),
        ({"base_model": {**MODEL, "hub": "https://example.org/x"}}, "is no model's id on the hub"),
        ({"base_model": {**MODEL, "hub": "a/b/c"}}, "is no model's id on the hub"),
        ({"base_model": {**MODEL, "hub": "a/../b"}}, "is no model's id on the hub"),
        ({"sources": {"a": {**HUB, "dataset": f"a/{LONG}"}}}, "sources.a.dataset: "),
        ({"sft": {"report_to": ["../evil"]}}, "sft.report_to: there is no tracker '../evil'"),
        ({"cpt": {"report_to": ["os"]}}, "cpt.report_to: there is no tracker 'os'"),
        ({"language": "/dev/zero.yaml"}, "language: "),
        ({"language": f"{LONG}.yaml"}, "language: "),
        ({"seed": 10**300}, "the number is too large"),
    ],
)  # fmt: skip
def test_it_is_refused_with_its_place(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, change)
    message = str(caught.value)
    assert said in message
    assert re.match(rf"{re.escape(str(tmp_path))}/r\.yaml:\d+: ", message)
    assert all(len(line) < 1000 and line.isprintable() for line in message.splitlines())


def test_a_pipe_and_a_socket_are_no_files_to_wait_for(tmp_path: Path) -> None:
    import socket

    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.yaml")
    for change in ({"language": "pipe.yaml"}, {"extends": "pipe.yaml"}, {"evaluate": {"published": ["pipe.yaml"]}}):
        with pytest.raises(RecipeError, match="pipe"):
            load(tmp_path, change)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for name in ("pipe", "socket"):
            (tmp_path / f"link-{name}").symlink_to(name)
            for path in (name, f"link-{name}"):
                with pytest.raises(RecipeError, match="is a device, a pipe or a socket"):
                    load(tmp_path, {"sources": {"a": {**LOCAL, "path": path}}})


def test_a_source_given_twice_is_said_with_both_lines(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    text = yaml.safe_dump(recipe_content(tmp_path), sort_keys=False)
    twice = text.replace("  replay:\n", "  prose:\n", 1)
    first, second = (number for number, line in enumerate(twice.splitlines(), 1) if line == "  prose:")
    path.write_text(twice)
    with pytest.raises(RecipeError, match=rf"r.yaml:{second}: the key 'prose' is given here and in line {first}"):
        load_recipe(path)


def test_who_trusts_a_recipe_says_so_outside_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRUSTED, "1")
    assert load(tmp_path, slurm(env_command="module load x")).corpus.executor.options["env_command"]
    monkeypatch.delenv(TRUSTED)
    assert load(tmp_path, slurm(partition="cpu", time="02:00:00", cpus_per_task=4, requeue=True)).corpus.executor
    with pytest.raises(RecipeError, match=r"--set: corpus\.executor\.options\.env_command: "):
        load(tmp_path, {}, ("corpus.executor.options.env_command=x",))


def test_folders_that_cannot_be_read_are_a_sentence_when_a_run_is_planned(tmp_path: Path) -> None:
    from llimba.errors import StageError
    from llimba.pipeline.runner import plan

    loaded = load(tmp_path, {"sources": {"a": {**LOCAL, "path": "/proc/self"}}})
    with pytest.raises(StageError, match=r"sources: a file that .*r\.yaml names cannot be read .*/proc/self"):
        plan(loaded, tmp_path / "runs")
