"""Fetching by clients that are stand-ins here: names, cache, digests, errors. `test_fetching.py` has the real ones."""

import io
import json
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from llimba import packages
from llimba.errors import StageError, Unavailable


def tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def deb(folder: Path, files: dict[str, str]) -> Path:
    """A real Debian package, made by dpkg-deb."""
    (folder / "DEBIAN").mkdir(parents=True, exist_ok=True)
    about = {"Package": "thing", "Version": "1", "Architecture": "all", "Maintainer": "n <n@n>", "Description": "t"}
    (folder / "DEBIAN/control").write_text("".join(f"{key}: {value}\n" for key, value in about.items()))
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    made = folder.parent / "thing_1_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", folder, made], check=True, capture_output=True)
    return made


def client(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """Put a stand-in program first on the PATH."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_package_is_fetched_once_and_then_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tar(tmp_path / "thing-1.0.tgz", {"package/a.txt": b"salude"})
    client(tmp_path / "bin", monkeypatch, "npm", f"echo called >> {tmp_path}/calls; cp {archive} .")
    first = packages.fetch("npm", "thing@1.0", tmp_path / "cache")
    again = packages.fetch("npm", "thing@1.0", tmp_path / "cache")
    assert first == again
    assert (first.folder / "package" / "a.txt").read_text() == "salude"
    assert first.file == "thing-1.0.tgz"
    assert (tmp_path / "calls").read_text() == "called\n"


def test_a_missing_client_names_what_to_install_and_what_serves_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="needs npm, which is not here: install Node.js.*kind: local"):
        packages.fetch("npm", "thing", tmp_path / "cache")


def test_a_refusal_carries_the_clients_own_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(tmp_path / "bin", monkeypatch, "npm", "echo 'E404 no such package' >&2; exit 1")
    with pytest.raises(Unavailable, match="thing could not be fetched with npm.*E404 no such package"):
        packages.fetch("npm", "thing", tmp_path / "cache")


def test_a_torn_archive_is_not_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "thing.tgz").write_bytes(b"\x1f\x8bnot a tar")
    client(tmp_path / "bin", monkeypatch, "npm", f"cp {tmp_path}/thing.tgz .")
    with pytest.raises((StageError, EOFError, OSError)):
        packages.fetch("npm", "thing", tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.json"))


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")
def test_apt_refreshes_its_private_lists_when_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = deb(tmp_path / "thing", {"text.txt": "salude\n"})
    script = (
        f'echo "$@" >> {tmp_path}/calls; case "$*" in *download*) cp {package} .;; '
        f"*update*) touch {tmp_path}/cache/apt/lists/some_Packages;; esac"
    )
    client(tmp_path / "bin", monkeypatch, "apt-get", script)
    fetched = packages.fetch("apt", "thing", tmp_path / "cache")
    assert (fetched.folder / "text.txt").read_text() == "salude\n"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[-3:] for call in calls] == [calls[0].split()[-3:], ["download", "--", "thing"]]
    assert calls[0].endswith("update")
    assert all(f"Dir::State={tmp_path}/cache/apt" in call for call in calls)
    assert json.loads((tmp_path / "cache/packages/apt/thing.json").read_text())["file"] == "thing_1_all.deb"


def test_the_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLIMBA_CACHE", str(tmp_path))
    assert packages.cache_folder() == tmp_path
    monkeypatch.delenv("LLIMBA_CACHE")
    assert packages.cache_folder() == Path.home() / ".cache" / "llimba"


def test_the_digest_in_the_recipe_is_that_of_what_came_and_of_what_is_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tar(tmp_path / "thing-1.0.0.tgz", {"package/a.txt": b"salude"})
    client(tmp_path / "bin", monkeypatch, "npm", f"cp {archive} .")
    with pytest.raises(StageError, match=rf"thing@1\.0\.0 has the SHA-256 [0-9a-f]{{64}}, not {'0' * 64} as it should"):
        packages.fetch("npm", "thing@1.0.0", tmp_path / "cache", "0" * 64)
    assert not list((tmp_path / "cache").rglob("a.txt")), "nothing of it is unpacked"
    right = packages.fetch("npm", "thing@1.0.0", tmp_path / "cache", packages.sha256(archive))
    assert packages.fetch("npm", "thing@1.0.0", tmp_path / "cache", right.sha256) == right
    with pytest.raises(StageError, match="Its copy is .*/npm/thing@1.0.0"):
        packages.fetch("npm", "thing@1.0.0", tmp_path / "cache", "0" * 64)


def test_what_came_must_be_what_the_registry_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(tmp_path / "bin", monkeypatch, "npm", "echo x > thing.zip")
    with pytest.raises(Unavailable, match=r"\(no \.tgz came\)"):
        packages.fetch("npm", "thing@1.0.0", tmp_path / "cache")
