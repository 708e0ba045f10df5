"""pip, npm and apt-get themselves, asked for packages that would run code: it does not run, and the good ones come.

Registries on loopback and in a folder, made here: a wheel, a source distribution, npm and Debian packages whose every
script leaves a file.
"""

import base64
import hashlib
import io
import json
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from llimba.errors import StageError, Unavailable
from llimba.package_names import Client
from llimba.packages import fetch
from tests.test_packages import deb

SCRIPTS = ("preinstall", "install", "postinstall", "prepack", "postpack", "prepare", "prepublish", "prepublishOnly")


def tarball(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def npm_package(ran: Path) -> bytes:
    about = {"name": "thing", "version": "1.0.0", "scripts": dict.fromkeys(SCRIPTS, f"touch {ran}")}
    return tarball({"package/package.json": json.dumps(about).encode(), "package/a.txt": b"salude"})


def sdist(ran: Path) -> bytes:
    setup = f"open({str(ran)!r}, 'w'); from setuptools import setup; setup(name='source', version='1.0')"
    about = b"Metadata-Version: 2.1\nName: source\nVersion: 1.0\n"
    return tarball({"source-1.0/setup.py": setup.encode(), "source-1.0/PKG-INFO": about})


def wheel() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("thing/a.txt", "salude")
        archive.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("thing-1.0.dist-info/RECORD", "")
    return data.getvalue()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[str, bytes]]]:
    """A registry of Python and of npm packages, and the clients' settings: path -> (content type, answer)."""
    ran, answers = tmp_path / "ran", dict[str, tuple[str, bytes]]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, data = answers.get(self.path.partition("?")[0], ("", b""))
            self.send_response(200 if kind else 404)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    for name, file, data in (
        ("thing", "thing-1.0-py3-none-any.whl", wheel()),
        ("source", "source-1.0.tar.gz", sdist(ran)),
    ):
        answers[f"/simple/{name}/"] = ("text/html", f'<a href="{address}/files/{file}">{file}</a>'.encode())
        answers[f"/files/{file}"] = ("application/octet-stream", data)
    packed = npm_package(ran)
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(packed).digest()).decode()}"
    dist = {"tarball": f"{address}/thing-1.0.0.tgz", "integrity": integrity}
    version = {"name": "thing", "version": "1.0.0", "scripts": dict.fromkeys(SCRIPTS, f"touch {ran}"), "dist": dist}
    about = {"name": "thing", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    answers["/thing"] = ("application/json", json.dumps(about).encode())
    answers["/thing-1.0.0.tgz"] = ("application/octet-stream", packed)
    home = tmp_path / "home"
    home.mkdir()
    for key, value in {
        "PIP_INDEX_URL": f"{address}/simple", "PIP_CONFIG_FILE": "/dev/null", "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "0", 
        "PIP_DISABLE_PIP_VERSION_CHECK": "1", "npm_config_registry": address, "npm_config_cache": str(home / "npm"),
        "npm_config_fetch_retries": "0", "npm_config_update_notifier": "false", "HOME": str(home), "no_proxy": "*",
    }.items():  # fmt: skip
        monkeypatch.setenv(key, value)
    for key in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "PIP_EXTRA_INDEX_URL", "npm_config_proxy"):
        monkeypatch.delenv(key, raising=False)
    yield answers
    server.shutdown()
    server.server_close()


needs_npm = pytest.mark.skipif(not shutil.which("npm"), reason="needs npm")
needs_apt = pytest.mark.skipif(not (shutil.which("apt-get") and shutil.which("dpkg-deb")), reason="needs apt-get")


def test_pip_brings_a_wheel_and_never_builds_a_source_distribution(
    registry: dict[str, tuple[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = fetch("pip", "thing==1.0", tmp_path / "cache")
    assert (fetched.folder / "thing/a.txt").read_text() == "salude"
    assert fetched.sha256 == hashlib.sha256(registry["/files/thing-1.0-py3-none-any.whl"][1]).hexdigest()
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")  # even where the person's own settings build everything
    with pytest.raises(Unavailable, match="source==1.0 could not be fetched with pip .*No matching distribution"):
        fetch("pip", "source==1.0", tmp_path / "cache")
    assert not (tmp_path / "ran").exists()


@needs_npm
def test_npm_brings_a_package_and_runs_none_of_its_scripts(
    registry: dict[str, tuple[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_ignore_scripts", "false")
    digest = hashlib.sha256(registry["/thing-1.0.0.tgz"][1]).hexdigest()
    fetched = fetch("npm", "thing@1.0.0", tmp_path / "cache", digest)
    assert (fetched.folder / "package/a.txt").read_text() == "salude"
    with pytest.raises(Unavailable, match="nothing@1.0.0 could not be fetched with npm"):
        fetch("npm", "nothing@1.0.0", tmp_path / "cache")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("client", ["pip", pytest.param("npm", marks=needs_npm)])
def test_a_folder_with_scripts_is_no_package_whatever_it_is_called(
    registry: dict[str, tuple[str, bytes]], tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil, ran = tmp_path / "evil", tmp_path / "ran"
    evil.mkdir()
    (evil / "setup.py").write_text(f"open({str(ran)!r}, 'w'); from setuptools import setup; setup(name='evil')")
    scripts = dict.fromkeys(SCRIPTS, f"touch {ran}")
    (evil / "package.json").write_text(json.dumps({"name": "evil", "version": "1.0.0", "scripts": scripts}))
    monkeypatch.chdir(tmp_path)
    for name in (
        str(evil),
        "./evil",
        "evil/",
        "../evil",
        f"file://{evil}",
        f"evil @ file://{evil}",
        f"evil@file:{evil}",
    ):
        with pytest.raises(StageError, match="is no package that"):
            fetch(client, name, tmp_path / "cache")
    assert not ran.exists()


@needs_apt
def test_apt_brings_a_package_and_runs_none_of_its_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thing, ran, repository = tmp_path / "thing", tmp_path / "ran", tmp_path / "repository"
    (thing / "DEBIAN").mkdir(parents=True)
    for script in ("preinst", "postinst"):
        (thing / "DEBIAN" / script).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (thing / "DEBIAN" / script).chmod(0o755)
    package = deb(thing, {"usr/share/text.txt": "salude"})
    repository.mkdir()
    shutil.move(package, repository / package.name)
    data = (repository / package.name).read_bytes()
    (repository / "Packages").write_text(
        "Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: n <n@n>\nDescription: t\n"
        f"Filename: ./{package.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
    )
    settings = tmp_path / "etc"
    (settings / "empty").mkdir(parents=True)
    (settings / "sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    (settings / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{settings}/sources.list";\nDir::Etc::sourceparts "{settings}/empty";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(settings / "apt.conf"))
    fetched = fetch("apt", "thing", tmp_path / "cache", hashlib.sha256(data).hexdigest())
    assert (fetched.folder / "usr/share/text.txt").read_text() == "salude"
    with pytest.raises(Unavailable, match="nothing could not be fetched with apt"):
        fetch("apt", "nothing", tmp_path / "cache")
    assert not ran.exists()
