"""The Apertium engine: a pipeline of small programs, one mode after another, words it does not know counted.

The mode files name their data by absolute paths and the programs by bare names, so a folder of unpacked Debian packages
serves as well as an installation: the paths are moved and the search paths set. Why not the `apertium` script: it
knows one fixed place, and it re-reads 30 MB of data for every call, where here one call takes a whole batch.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from llimba.errors import StageError, Unavailable
from llimba.files import sha256
from llimba.models.translators.engine import Identity, Translation
from llimba.packages import cache_folder, cached, fetch, require
from llimba.recipe import ApertiumTranslation

SYSTEM = Path("/")
MODES = "usr/share/apertium/modes"
MARKED = re.compile(r"(?<![^\s(\"'«“\[])[*@#](?=\w)")  # unknown, not in the dictionary of pairs, no such form
SHELL = re.compile(r"[;&`<>(){}\\\n\"'*?~#!\[\]]|\$(?![12]\b)")  # what a shell reads besides words and pipes
SECONDS = 1800  # a batch takes a few


class Apertium:
    """Translates along a route of modes, e.g. eng-cat, cat-srd."""

    batch = 2000

    def __init__(self, settings: ApertiumTranslation) -> None:
        """Finds every mode, its data and its programs; raises `Unavailable` with what to install."""
        self._roots = _roots(settings)
        self._environment = _environment(self._roots)
        self._route = settings.route
        modes = [self._mode(name) for name in settings.route]
        self._commands = [command for command, _ in modes]
        for program in ("apertium-destxt", "apertium-retxt", *_programs(self._commands)):
            if shutil.which(program, path=self._environment["PATH"]) is None:
                raise Unavailable(f"{program} is not here. {_how(settings.route)}")
        self.name = f"apertium-{'+'.join(settings.route)}"
        self.identity: Identity = {
            "engine": "apertium",
            "route": settings.route,
            "data": {path.name: sha256(path) for _, files in modes for path in files},
        }

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """One translation a sentence; a leg whose output does not line up is done again, sentence by sentence."""
        texts, unknown = list(sentences), [0] * len(sentences)
        for command in self._commands:
            marked = self._run(command, texts)
            if len(marked) != len(texts):
                marked = [" ".join(self._run(command, [text])) for text in texts]
            # a word that no leg knew is counted once: it travels unchanged from leg to leg
            unknown = [max(before, len(MARKED.findall(text))) for before, text in zip(unknown, marked, strict=True)]
            texts = [MARKED.sub("", text) for text in marked]
        return [Translation(text, count) for text, count in zip(texts, unknown, strict=True)]

    def _run(self, command: str, texts: Sequence[str]) -> list[str]:
        """One leg over many sentences, a blank line between them, so that none is read together with the next."""
        given = "\n\n".join(" ".join(text.split()) for text in texts) + "\n"
        pipeline = f"set -o pipefail; apertium-destxt | {command} | apertium-retxt"
        done = subprocess.run(
            ["bash", "-c", pipeline, "bash", "-g", ""],
            input=given, capture_output=True, text=True, env=self._environment, timeout=SECONDS, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            complaint = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise StageError(f"Apertium failed ({complaint}). {_how(self._route)}")
        return [line.strip() for line in done.stdout.strip("\n").split("\n\n")]

    def _mode(self, name: str) -> tuple[str, list[Path]]:
        """A mode's pipeline with its data where they lie, and those files."""
        path = next((root / MODES / f"{name}.mode" for root in self._roots if _is_mode(root, name)), None)
        if path is None:
            there = sorted({p.stem for root in self._roots for p in (root / MODES).glob("*.mode")})
            raise Unavailable(
                f"Apertium has no mode '{name}' here (there are: {', '.join(there) or 'none'}). {_how(self._route)}"
            )
        files: list[Path] = []

        def move(match: re.Match[str]) -> str:
            relative = match[1].lstrip("/")
            found = next((root / relative for root in self._roots if (root / relative).exists()), None)
            if found is None:
                raise Unavailable(f"{match[1]} of mode {name} is not here. {_how(self._route)}")
            files.append(found)
            return shlex.quote(str(found))

        command = path.read_text(encoding="utf-8").strip()
        if SHELL.search(re.sub(r"'/[^']+'", "", command)) or any("/" in program for program in _programs([command])):
            raise StageError(f"{path} is no pipeline of programs with their data, as modes are: it is not run.")
        return re.sub(r"'(/[^']+)'", move, command), files


def open_or_fetchable(settings: ApertiumTranslation) -> None:
    """Raise `Unavailable` where the engine cannot be opened, or its packages not be fetched; fetches nothing."""
    packages = [] if settings.prefix is not None else settings.packages
    system = all(_is_mode(SYSTEM, name) for name in settings.route)
    if not packages or system or all(cached("apt", package, cache_folder()) for package in packages):
        Apertium(settings)
    else:
        require("apt", packages[0])


def _roots(settings: ApertiumTranslation) -> list[Path]:
    if settings.prefix is not None:
        return [settings.prefix]
    if not settings.packages or all(_is_mode(SYSTEM, name) for name in settings.route):
        return [SYSTEM]
    return [fetch("apt", package, cache_folder()).folder for package in settings.packages]


def _is_mode(root: Path, name: str) -> bool:
    return (root / MODES / f"{name}.mode").exists()


def _environment(roots: Sequence[Path]) -> dict[str, str]:
    """Programs and libraries of unpacked packages before the system's."""
    programs = [str(root / "usr/bin") for root in roots]
    libraries = [str(folder) for root in roots for folder in (root / "usr/lib", *(root / "usr/lib").glob("*-linux-*"))]
    environment = {**os.environ, "PATH": os.pathsep.join([*programs, os.environ.get("PATH", "")]), "LC_ALL": "C.UTF-8"}
    if list(roots) != [SYSTEM]:
        environment["LD_LIBRARY_PATH"] = os.pathsep.join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")])
    return environment


def _programs(commands: Sequence[str]) -> list[str]:
    return sorted({(stage.split() or ["/"])[0] for command in commands for stage in command.split("|")})


def _how(route: Sequence[str]) -> str:
    return (
        f"Install Apertium's packages for {', '.join(route)} (Debian: apt-get install --no-install-recommends apertium "
        "apertium-..., see docs/instructions.md), or name them under packages: to have them unpacked into llimba's "
        "cache, or name the folder where they are unpacked under prefix:."
    )
