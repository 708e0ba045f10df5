"""A run that is continued under other circumstances: elsewhere, by another version, after a pause; or on changed files.

Real processes: stopped with SIGSTOP, killed with SIGKILL, their folder moved, their source appended to while they read.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests import kills
from tests.fakes import SENTENCES, recipe, recipe_content, save_tiny_model, write_text

# the command line as an earlier version would have it
EARLIER = "import llimba; llimba.__version__ = '0.0.9'; from llimba.cli import main; main()"


def prepared(folder: Path) -> Path:
    folder.mkdir()
    write_text(folder)
    save_tiny_model(folder / "base")
    cpt = recipe_content(folder)["cpt"] | {"max_steps": 150, "save_minutes": 1e-6, "eval_steps": 1000}
    content = recipe(folder, cpt=cpt, sft=None, instruct=None).path
    text = content.read_text().replace(f"{folder}/", "")  # as people write it: relative to the recipe
    content.write_text(text)
    return content


def started(arguments: list[str], path: Path, seed: int, until: str = "cpt", **more: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, *arguments, "run", str(path), "--runs", str(path.parent / "runs"), "--until", until]
    return subprocess.Popen(
        command, env={**os.environ, "PYTHONHASHSEED": str(seed)}, text=True, stderr=subprocess.PIPE, **more
    )


def steps(folder: Path) -> int:
    files = list((folder / "runs" / "cpt").glob("*.partial/metrics.jsonl"))
    return len(files[0].read_text().splitlines()) if files else 0


def test_paused_killed_moved_and_continued_by_a_later_version_it_ends_in_the_same_bytes(tmp_path: Path) -> None:
    whole, here = prepared(tmp_path / "whole"), prepared(tmp_path / "here")
    with started(["-m", "llimba"], whole, 3) as alone:
        _, said = alone.communicate(timeout=200)
    assert alone.returncode == 0, said
    with started(["-c", EARLIER], here, 1) as process:
        while steps(here.parent) < 5:
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.02)
        process.send_signal(signal.SIGSTOP)
        paused = steps(here.parent)
        time.sleep(1.5)
        assert steps(here.parent) in (paused, paused + 1), "a line may have been on its way"
        process.send_signal(signal.SIGCONT)
        while steps(here.parent) < paused + 3:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    there = shutil.move(here.parent, tmp_path / "sa domo noa")
    with started(["-m", "llimba"], Path(there) / here.name, 2) as process:
        _, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert "continues from step-" in said
    assert "was written with llimba 0.0.9 (now 0.1.0): the training continues from it" in said
    assert said.count("already done, skipped") == 2
    stages = ["sources", "corpus", "cpt"]
    assert kills.bytes_left(Path(there) / "runs", stages) == kills.bytes_left(whole.parent / "runs", stages)


def test_a_source_that_grows_while_it_is_read_is_noticed_and_read_again(tmp_path: Path) -> None:
    path = prepared(tmp_path / "w")
    source = path.parent / "sc.txt"
    source.write_text("\n".join(f"{number} {line}" for number in range(20_000) for line in SENTENCES["sc"]))
    with started(["-m", "llimba"], path, 1, "sources") as process:
        assert process.stderr is not None
        assert "sources   runs" in process.stderr.readline()
        with source.open("a") as handle:
            handle.write("\nUna riga noa.\n")
        _, said = process.communicate(timeout=200)
    assert process.returncode == 2
    assert "sources: sc.txt changed since this run began" in said
    assert not list((path.parent / "runs/sources").glob("*[0-9a-f]/manifest.json"))
    with started(["-m", "llimba"], path, 1, "sources") as process:
        _, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
