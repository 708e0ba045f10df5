"""A hub of models and data sets on this machine's loopback, for tests: what huggingface_hub and datasets ask of one.

    with LoopbackHub() as hub:
        hub.add("datasets/me/words", {"train.jsonl": b"..."}, gated=True)
        hub.fail("resolve/.*words", 503, times=2)
        subprocess.run(command, env=hub.environment(tmp_path / "home", token=GRANTED))

Repositories are held in memory, commit by commit. A gated one is given to `GRANTED` alone. What is pushed, as plain
files or by LFS, becomes a commit. huggingface_hub reads its environment when it is imported, so clients are processes
of their own. The xet store is not played: `environment` switches it off.
"""

import base64
import hashlib
import json
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

GRANTED, OTHER = "hf_granted", "hf_other"  # tokens: one that owners gave access to, one that may log in
LARGE = (".safetensors", ".parquet", ".bin", ".gguf")  # kept in LFS
CUT, SLOW = "cut", "slow"  # what a fault does in place of a status


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    status: int
    sent: int  # bytes of the body


@dataclass
class Fault:
    """Requests that match (method, path, range) get a status, half an answer (CUT), or none in time (SLOW)."""

    pattern: str
    what: int | str
    times: int
    headers: Mapping[str, str]


@dataclass
class Repository:
    """Its files at every commit; the last one is `main`."""

    gated: bool = False
    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes]) -> str:
        told = "".join(f"{name} {hashlib.sha1(data).hexdigest()}\n" for name, data in sorted(files.items()))
        sha = hashlib.sha1(f"{len(self.commits)}\n{told}".encode()).hexdigest()
        self.commits[sha] = files
        return sha

    @property
    def head(self) -> str:
        return list(self.commits)[-1]


class LoopbackHub:
    """The server, and what the test says to it."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}  # "models/me/name" or "datasets/me/name"
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.stored: dict[str, bytes] = {}  # LFS objects by sha256
        handler = type("Handler", (Answers,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "LoopbackHub":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str, files: Mapping[str, bytes], *, gated: bool = False) -> str:
        """A commit of all these files; returns its sha."""
        return self.repositories.setdefault(name, Repository(gated)).commit(dict(files))

    def add_folder(self, name: str, folder: Path) -> str:
        """A commit of a folder's files."""
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return self.add(name, {path.relative_to(folder).as_posix(): path.read_bytes() for path in files})

    def fail(self, pattern: str, what: int | str, times: int = 10**6, headers: Mapping[str, str] | None = None) -> None:
        """From now on, requests that match ("GET lfs/abc bytes=0-") are answered with a status, CUT or SLOW."""
        self.faults.append(Fault(pattern, what, times, headers or {}))

    def environment(self, home: Path, token: str = "", *, offline: bool = False, **more: str) -> dict[str, str]:
        """The environment of a client process with a cache of its own."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        return {
            **clean,
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home / "hf"),
            "LLIMBA_CACHE": str(home / "llimba"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            **({"HF_TOKEN": token} if token else {}),
            **({"HF_HUB_OFFLINE": "1"} if offline else {}),
            **more,
        }

    def sent(self, pattern: str) -> int:
        """Bytes that were sent for the paths that match."""
        return sum(asked.sent for asked in self.asked if re.search(pattern, asked.path))


class Answers(BaseHTTPRequestHandler):
    """One request."""

    hub: LoopbackHub
    protocol_version = "HTTP/1.1"

    def do(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.cut = False
        url = urlsplit(self.path)
        path, self.query = unquote(url.path).strip("/"), parse_qs(url.query)
        for fault in self.hub.faults:
            if fault.times and re.search(fault.pattern, f"{self.command} {path} {self.headers.get('Range', '')}"):
                fault.times -= 1
                if fault.what == CUT:
                    self.cut = True
                elif fault.what == SLOW:
                    time.sleep(1.6)  # longer than a client with HF_HUB_ETAG_TIMEOUT=1 waits
                else:
                    return self.refuse(int(fault.what), "", "a fault of the test's", fault.headers)
        for pattern, answer in ROUTES:
            if match := re.fullmatch(pattern, path):
                return answer(self, *match.groups())
        self.refuse(404, "NotFound", f"no such page: {path}")

    do_GET = do_HEAD = do_POST = do_PUT = do

    def log_message(self, format: str, *arguments: Any) -> None: ...

    # answers

    def send(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, kind: str = "application/json"
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        sent = b"" if self.command == "HEAD" else body
        if self.cut and self.command != "HEAD":
            sent = body[: len(body) // 2]
        self.hub.asked.append(Asked(self.command, self.path, status, len(sent)))
        self.wfile.write(sent)
        if self.cut and self.command != "HEAD":  # a reset, as of a line that dropped
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

    def json(self, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.send(status, json.dumps(value).encode(), headers)

    def refuse(self, status: int, code: str, said: str, headers: Mapping[str, str] | None = None) -> None:
        named = {"X-Error-Code": code} if code else {}
        self.json({"error": said}, status, {**named, "X-Error-Message": said, **(headers or {})})

    @property
    def token(self) -> str:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ").strip()

    def logged_in(self) -> bool:
        if self.token in (GRANTED, OTHER):
            return True
        self.refuse(401, "", "Invalid username or password.")
        return False

    def found(self, kind: str, name: str, revision: str) -> tuple[Repository, str] | None:
        """The repository and the commit that a revision means; else the request is refused."""
        repository = self.hub.repositories.get(f"{kind}/{name}")
        if repository is None:
            self.refuse(404 if self.token else 401, "RepoNotFound", "Repository not found")
            return None
        commit = repository.head if revision == "main" else revision
        if commit not in repository.commits:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return repository, commit

    # reading

    def info(self, kind: str, name: str, revision: str | None = None) -> None:
        if found := self.found(kind, name, revision or "main"):
            repository, commit = found
            self.json(
                {
                    "id": name, "_id": name, "sha": commit, "private": repository.private, "disabled": False,
                    "gated": "manual" if repository.gated else False, "tags": [], "downloads": 0, "likes": 0,
                    "siblings": [{"rfilename": file, "size": len(data)}
                                 for file, data in repository.commits[commit].items()],
                }
            )  # fmt: skip

    def auth_check(self, kind: str, name: str) -> None:
        if found := self.found(kind, name, "main"):
            if found[0].gated and self.token != GRANTED:
                return self.refuse(403 if self.token else 401, "GatedRepo", f"Access to {name} is restricted.")
            self.json({})

    def tree(self, kind: str, name: str, revision: str, under: str | None) -> None:
        if found := self.found(kind, name, revision):
            files = found[0].commits[found[1]]
            deep = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
            start = f"{under.strip('/')}/" if under else ""
            inside = [file for file in files if file.startswith(start)]
            folders = {
                start + "/".join(parts[:depth])
                for file in inside
                for parts in [file[len(start) :].split("/")]
                for depth in range(1, len(parts))
                if deep or depth == 1
            }
            rows = [folder_entry(folder) for folder in sorted(folders)]
            rows += [file_entry(file, files[file]) for file in inside if deep or "/" not in file[len(start) :]]
            self.json(rows) if rows or not start else self.refuse(404, "EntryNotFound", f"no {start}")

    def paths(self, kind: str, name: str, revision: str) -> None:
        if found := self.found(kind, name, revision):
            files = found[0].commits[found[1]]
            asked = json.loads(self.body)["paths"] if self.body[:1] == b"{" else parse_qs(self.body.decode())["paths"]
            rows = [file_entry(path, files[path]) for path in asked if path in files]
            rows += [folder_entry(path) for path in asked if any(file.startswith(f"{path}/") for file in files)]
            self.json(rows)

    def resolve(self, kind: str | None, name: str, revision: str, path: str) -> None:
        if not (found := self.found((kind or "models/").strip("/"), name, revision)):
            return
        repository, commit = found
        if repository.gated and self.token != GRANTED:
            return self.refuse(403 if self.token else 401, "GatedRepo", f"Access to {name} is restricted.")
        data, head = repository.commits[commit].get(path), {"X-Repo-Commit": commit}
        if data is None:
            return self.refuse(404, "EntryNotFound", f"no {path}", head)
        sha = hashlib.sha256(data).hexdigest()
        if path.endswith(LARGE):  # of another host, as the real hub's
            self.hub.stored[sha] = data
            port = self.hub.url.rpartition(":")[2]
            linked = {"X-Linked-Size": str(len(data)), "X-Linked-Etag": f'"{sha}"', "ETag": f'"{sha}"'}
            return self.send(302, b"", {**head, **linked, "Location": f"http://localhost:{port}/lfs/{sha}"})
        self.ranged(data, {**head, "ETag": f'"{blob_id(data)}"'})

    def ranged(self, data: bytes, headers: dict[str, str]) -> None:
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not match:
            return self.send(200, data, {"Accept-Ranges": "bytes", **headers}, "application/octet-stream")
        start = int(match[1]) if match[1] else len(data) - int(match[2])
        end = min(int(match[2]) if match[1] and match[2] else len(data) - 1, len(data) - 1)
        if start >= len(data):
            return self.send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        told = {"Content-Range": f"bytes {start}-{end}/{len(data)}", **headers}
        self.send(206, data[start : end + 1], told, "application/octet-stream")

    # pushing

    def whoami(self) -> None:
        if self.logged_in():
            self.json({"type": "user", "name": "me", "orgs": []})

    def create(self) -> None:
        if self.logged_in():
            asked = json.loads(self.body)
            name = f"{asked.get('organization') or 'me'}/{asked['name']}"
            place = f"{asked.get('type', 'model')}s/{name}"
            status = 409 if place in self.hub.repositories else 200
            if status == 200:
                repository = self.hub.repositories[place] = Repository(
                    private=asked.get("visibility") == "private" or asked.get("private", False)
                )
                repository.commit({".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"})
            self.json({"url": f"{self.hub.url}/{name}", "name": name, "id": name}, status)

    def valid(self) -> None:
        self.json({"errors": [], "warnings": []})

    def preupload(self, kind: str, name: str, revision: str) -> None:
        if self.logged_in() and (found := self.found(kind, name, revision)):
            rows = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(self.body)["files"]
            ]
            self.json({"commitOid": found[1], "files": rows})

    def batch(self, name: str) -> None:
        rows = []
        for asked in json.loads(self.body)["objects"]:
            row: dict[str, Any] = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in self.hub.stored:
                row["actions"] = {"upload": {"href": f"{self.hub.url}/lfs/{asked['oid']}"}}
            rows.append(row)
        self.json({"transfer": "basic", "objects": rows})

    def object(self, sha: str) -> None:
        if self.command == "PUT":
            if hashlib.sha256(self.body).hexdigest() != sha:
                return self.refuse(400, "BadDigest", f"{sha} isn't what came")
            self.hub.stored[sha] = self.body
            return self.send(200, b"")
        self.ranged(self.hub.stored[sha], {"ETag": f'"{sha}"'})

    def commit(self, kind: str, name: str, revision: str) -> None:
        if not self.logged_in() or not (found := self.found(kind, name, revision)):
            return
        repository, commit = found
        files = dict(repository.commits[commit])
        for line in self.body.splitlines():
            said = json.loads(line)
            value = said["value"]
            if said["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif said["key"] == "lfsFile":
                files[value["path"]] = self.hub.stored[value["oid"]]
            elif said["key"] == "deletedFile":
                files.pop(value["path"], None)
        sha = repository.commit(files)
        self.json({"success": True, "commitOid": sha, "commitUrl": f"{self.hub.url}/{name}/commit/{sha}"})


def blob_id(data: bytes) -> str:
    """Git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def file_entry(path: str, data: bytes) -> dict[str, Any]:
    """What a listing says of a file."""
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": blob_id(data)}
    if path.endswith(LARGE):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return entry


def folder_entry(path: str) -> dict[str, Any]:
    """What a listing says of a folder."""
    return {"type": "directory", "path": path, "size": 0, "oid": hashlib.sha1(path.encode()).hexdigest()}


def jsonl(rows: Iterable[Mapping[str, object]]) -> bytes:
    """JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    """A Parquet file."""
    import pyarrow
    from pyarrow import parquet as files

    buffer = pyarrow.BufferOutputStream()
    files.write_table(pyarrow.Table.from_pylist(rows), buffer)
    return bytes(buffer.getvalue())


def card(**configs: Mapping[str, str]) -> bytes:
    """A data set's card: config -> split -> the files' pattern."""
    lines = ["---", "configs:"]
    for config, splits in configs.items():
        lines += [f'- config_name: "{config}"', "  data_files:"]
        lines += [line for split, path in splits.items() for line in (f"  - split: {split}", f'    path: "{path}"')]
    return "\n".join([*lines, "---", "# A set", ""]).encode()


NAME = r"([^/]+/[^/]+)"
ROUTES: list[tuple[str, Any]] = [
    (r"api/whoami-v2", Answers.whoami),
    (r"api/repos/create", Answers.create),
    (r"api/validate-yaml", Answers.valid),
    (rf"api/(models|datasets)/{NAME}", Answers.info),
    (rf"api/(models|datasets)/{NAME}/revision/(.+)", Answers.info),
    (rf"api/(models|datasets)/{NAME}/auth-check", Answers.auth_check),
    (rf"api/(models|datasets)/{NAME}/tree/([^/]+)(/.+)?", Answers.tree),
    (rf"api/(models|datasets)/{NAME}/paths-info/([^/]+)", Answers.paths),
    (rf"api/(models|datasets)/{NAME}/preupload/([^/]+)", Answers.preupload),
    (rf"api/(models|datasets)/{NAME}/commit/([^/]+)", Answers.commit),
    (rf"{NAME}\.git/info/lfs/objects/batch", Answers.batch),
    (r"lfs/([0-9a-f]{64})", Answers.object),
    (rf"(datasets/)?{NAME}/resolve/([^/]+)/(.+)", Answers.resolve),
]
