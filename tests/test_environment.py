"""A whole run where nothing is as on our machines: odd paths, no locale, no home, a strict umask, secrets around.

One run of all seven stages in such a place, in a process of its own, and what it leaves and says. The tests of secrets
plant them where people have them (tokens in the environment, a token file, an index with a password, a proxy).
"""

import glob
import os
import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.fakes import recipe, recipe_content, save_tiny_model, write_text
from tests.test_smoke import llimba

NAME = "sa limba [bold]mia[/bold] :bee: [/red] è"
SECRET = "Planted5ecretThatNobodyMaySee"
TOKENS = dict.fromkeys(
    ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "WANDB_API_KEY", "COMET_API_KEY", "CLEARML_API_SECRET_KEY", "GITHUB_TOKEN",
     "MLFLOW_TRACKING_PASSWORD", "NEPTUNE_API_TOKEN", "AWS_SECRET_ACCESS_KEY", "LLIMBA_TOKEN"),
    f"hf_{SECRET}",
)  # fmt: skip
PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), f"http://u:{SECRET}@127.0.0.1:9")


class Ran(NamedTuple):
    """What a run in such a place left."""

    folder: Path
    runs: Path
    said: str
    commands: set[str]  # of it and of every process that it started


def commands_below(process: int) -> set[str]:
    """The command lines of a process and of all that it started."""
    found: set[str] = set()
    for child in Path("/proc").glob(f"{process}/task/*/children"):
        try:
            for number in child.read_text().split():
                found |= commands_below(int(number))
        except OSError:
            continue
    try:
        return found | {Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")}
    except OSError:
        return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("odd") / "Sos testos [x] «miei» ; $nobody 'n \" #1 %20"
    folder.mkdir()
    write_text(folder)
    (folder / "sa [pàgina].md").write_text(
        "# Tìtulu\n\nCusta est una pàgina bona meda, cun tres paràgrafos e unu sensu.\n"
    )
    save_tiny_model(folder / "base")
    content = recipe_content(folder)
    page = {"kind": "local", "license": "CC0-1.0", "language": "sc", "path": str(folder / "sa [pàgina].md")}
    quick = {"max_steps": 2, "save_minutes": 1e-6}
    path = recipe(
        folder,
        name=NAME,
        sources={**content["sources"], "[red]../../climbs\x41": {**content["sources"]["prose"]}, "page": page},
        corpus={"max_rejected": 1.0},
        cpt=content["cpt"] | quick,
        sft=content["sft"] | quick,
        evaluate={"directions": ["it-sc"], "languages": ["sc"], "max_sentences": 1, "max_new_tokens": 2,
                  "precision": "fp32", "decoding": {"../[b]beam": {"num_beams": 2}}},
    ).path  # fmt: skip
    (folder / "token").write_text(f"hf_{SECRET}")
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "VIRTUAL_ENV") if key in os.environ}
    odd = {
        "LC_ALL": "C", "HOME": "/proc/1", "LLIMBA_CACHE": "/proc/1/cache", "HF_TOKEN_PATH": str(folder / "token"),
        "PIP_INDEX_URL": f"https://u:{SECRET}@127.0.0.1:9/simple", "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    runs = folder / "runs [bold red]"
    command = [sys.executable, "-m", "llimba", "run", str(path), "--runs", str(runs)]
    seen: set[str] = set()
    with (folder.parent / "said").open("w+b") as handle:
        process = subprocess.Popen(
            command, stdout=handle, stderr=handle, env={**kept, **odd, **TOKENS, **PROXIES}, umask=0o027
        )
        while process.poll() is None:
            seen |= commands_below(process.pid)
            time.sleep(0.05)
    said = (folder.parent / "said").read_text(encoding="utf-8")
    assert process.returncode == 0, said[-3000:]
    return Ran(folder, runs, said, seen)


def test_paths_and_names_are_shown_as_they_are(ran: Ran) -> None:
    assert str(next(ran.runs.glob("publish/*/model"))) in ran.said
    assert "[red]../../climbs" in ran.said
    assert "Traceback" not in ran.said and "MarkupError" not in ran.said
    plan = llimba("plan", str(ran.folder / "small.yaml"), "--runs", str(ran.runs))
    assert plan.stdout.startswith(f"{NAME} (")
    for command in (["corpus", "show"], ["corpus", "report"], ["compare"]):
        done = llimba(*command, str(ran.folder / "small.yaml"), "--runs", str(ran.runs))
        assert done.returncode == 0, done.stderr
    missing = llimba("run", "no [/red] recipe :bee:.yaml")
    assert "there is no recipe no [/red] recipe :bee:.yaml" in missing.stderr


def test_the_harness_alone_finds_the_data_of_every_task(ran: Ran) -> None:
    tasks = list(ran.runs.glob("evaluate/*/tasks/*.yaml"))
    assert tasks
    for path in tasks:
        pattern = yaml.safe_load(path.read_text(encoding="utf-8"))["dataset_kwargs"]["data_files"]["test"]
        assert glob.glob(pattern) == [str(path.with_suffix(".jsonl").resolve())]


def test_nothing_is_written_outside_of_the_runs_folder(ran: Ran) -> None:
    given = {"base", "sc.txt", "it.txt", "train.jsonl", "dev.jsonl", "small.yaml", "token", "sa [pàgina].md"}
    assert {path.name for path in ran.folder.iterdir()} == {*given, ran.runs.name}
    assert {path.name for path in ran.folder.parent.iterdir()} == {ran.folder.name, "said"}
    known = {"sources", "corpus", "instruct", "cpt", "sft", "evaluate", "publish", "systems", "reports", "compare"}
    assert {path.name for path in ran.runs.iterdir()} <= known


def test_what_is_left_follows_the_umask(ran: Ran) -> None:
    files = [path for path in ran.runs.rglob("*") if path.is_file() and path.parent.name not in ("reports", "compare")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in files if not path.name.endswith(".lock")}
    assert any(path.suffix == ".safetensors" for path in files)
    assert modes == {0o640}


def test_no_secret_is_left_said_or_in_a_command(ran: Ran) -> None:
    assert SECRET not in ran.said
    assert ran.commands and not any(SECRET in command for command in ran.commands)
    for path in ran.runs.rglob("*"):
        assert SECRET not in str(path)
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_a_cache_that_cannot_be_written_is_named_with_the_setting(ran: Ran, tmp_path: Path) -> None:
    package = {"kind": "package", "client": "pip", "packages": ["a==1"], "paths": {"sc": "*"}, "format": "html",
               "license": "CC0-1.0", "documents": ["sc"]}  # fmt: skip
    write_text(tmp_path)
    path = recipe(tmp_path, sources={**recipe_content(tmp_path)["sources"], "package": package}).path
    (tmp_path / "file").touch()
    for place in ("/proc/1/cache", str(tmp_path / "file"), str(tmp_path / "file" / "cache")):
        done = run_with({"LLIMBA_CACHE": place}, path, tmp_path / "runs")
        assert done.returncode == 74, done.stderr
        assert "llimba's cache refused" in done.stderr and "set LLIMBA_CACHE" in done.stderr


def test_a_place_that_libraries_would_mistake_is_refused_before_any_work(tmp_path: Path) -> None:
    write_text(tmp_path)
    path = recipe_file(tmp_path, {})
    for name in ("a::b", "a $PATH", "${PATH}"):
        done = run_with({}, path, tmp_path / name)
        assert done.returncode == 2 and "Rename it" in done.stderr
        assert not (tmp_path / name).exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
def test_a_user_without_a_home_is_told_what_to_set(tmp_path: Path) -> None:
    code = "from llimba.packages import cache_folder; cache_folder()"
    kept = {key: value for key, value in os.environ.items() if key not in ("HOME", "LLIMBA_CACHE")}
    switch = f"import os; import llimba.packages; os.setuid(54321); os.environ.pop('HOME', None); {code}"
    done = subprocess.run([sys.executable, "-c", switch], env=kept, capture_output=True, text=True, check=False)
    assert "set LLIMBA_CACHE to a folder" in done.stderr


def run_with(environment: dict[str, str], path: Path, runs: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "llimba", "run", str(path), "--runs", str(runs), "--until", "sources"]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "url",
    [f"https://u:{SECRET}@example.org/d.xml", f"https://{SECRET}@example.org/d.xml",
     f"https://example.org/d.xml?token={SECRET}", f"https://example.org/d.xml?a=b&X-Amz-Signature={SECRET}",
     f"ftp://example.org/{SECRET}", f"file:///{SECRET}", f"https://[{SECRET}/x"],
)  # fmt: skip
def test_an_address_with_a_secret_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    wiki = {"kind": "wikipedia", "license": "CC-BY-SA-4.0", "language": "sc", "url": url}
    path = recipe_file(tmp_path, {"sources": {"wiki": wiki}})
    done = run_with({}, path, tmp_path / "runs")
    assert done.returncode == 2
    assert "sources.wiki.url: " in done.stderr
    assert SECRET not in done.stderr + done.stdout
    assert not (tmp_path / "runs").exists()


def recipe_file(folder: Path, sections: dict[str, object]) -> Path:
    path = folder / "r.yaml"
    path.write_text(yaml.safe_dump({**recipe_content(folder), **sections}, sort_keys=False))
    return path


def test_what_a_client_complains_of_has_no_password_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llimba import packages
    from llimba.errors import Unavailable
    from tests.test_packages import client

    client(tmp_path / "bin", monkeypatch, "npm", f"echo 'E404 http://u:{SECRET}@127.0.0.1:9/thing' >&2; exit 1")
    with pytest.raises(Unavailable) as caught:
        packages.fetch("npm", "thing", tmp_path / "cache")
    assert SECRET not in str(caught.value)
    assert "E404 http://127.0.0.1:9/thing" in str(caught.value)


def test_durations_are_measured_with_a_clock_that_does_not_jump() -> None:
    from tests import ROOT

    wall = re.compile(r"time\.time\(\)|datetime\.now\(|datetime\.utcnow\(")
    found = {path.name for path in (ROOT / "src").rglob("*.py") if wall.search(path.read_text(encoding="utf-8"))}
    # a name for a damaged folder, when a stage was run, when an answer was made: told, never subtracted
    assert found == {"runner.py", "server.py"}
