"""A small model hub on loopback: real HTTP, with everything that huggingface-hub asks for and every way a hub can fail.

Large files (safetensors, tokenizer.json) are redirected to a storage under another host name, as the real hub does, and have the
sha256 of their content as etag; small ones are served by the hub itself under git's hash.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.loopback import LoopbackServer

__all__ = ["Asked", "Fault", "HubServer", "Repo", "loopback_hub", "serve"]

VARIABLES = (
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "XDG_CACHE_HOME",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
)
LARGE = (".safetensors", "tokenizer.json", ".onnx", ".bin")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came in."""

    method: str
    path: str
    range: str | None
    authorization: str | None
    host: str

    @property
    def file(self) -> str | None:
        """The file of a repository that was asked for, if it was one."""
        return self.path.split("/resolve/")[1].split("/", 1)[1] if "/resolve/" in self.path else None


@dataclass(slots=True)
class Fault:
    """What goes wrong with requests whose path contains `path`, the first `times` times."""

    path: str
    times: int = 1
    method: str | None = None
    status: int | None = None  # answer this
    after: int | None = None  # break off after so many bytes of the body
    delay_s: float = 0.0
    ignore_range: bool = False
    body: bytes | None = None  # send this content instead


@dataclass(slots=True)
class Repo:
    """One repository: commits with their files, and branches and tags that point to them."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    gated: bool = False  # listed for everybody, readable with a token
    private: bool = False  # for everybody else it does not exist

    def commit(self, files: Mapping[str, bytes], ref: str = "main") -> str:
        """Add a commit and let `ref` point to it."""
        digest = hashlib.sha1(repr([(name, hashlib.sha1(content).hexdigest()) for name, content in sorted(files.items())]).encode())
        self.commits[digest.hexdigest()] = dict(files)
        self.refs[ref] = digest.hexdigest()
        return digest.hexdigest()


class HubServer:
    """The hub's content, its faults, and the list of what was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.repos: dict[str, Repo] = {}
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.tokens = {"hf_good"}
        self.lists_sizes = True
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT must be."""
        return f"http://127.0.0.1:{self.port}"

    def add(self, repo_id: str, source: Path | Mapping[str, bytes], **changes: bytes | None) -> str:
        """Publish a folder (or files) as `repo_id`; `changes` replace files (None removes one). Gives back the commit."""
        files = dict(source) if isinstance(source, Mapping) else {p.name: p.read_bytes() for p in source.iterdir() if p.is_file()}
        names = {name.replace("__", "."): content for name, content in changes.items()}
        files = {name: content for name, content in (files | names).items() if content is not None}
        return self.repos.setdefault(repo_id, Repo()).commit(files)

    def files_asked(self, method: str = "GET") -> list[str]:
        """Names of the files that were asked for, in order."""
        with self._lock:
            return [asked.file for asked in self.asked if asked.file is not None and asked.method == method]

    def note(self, asked: Asked) -> Fault | None:
        """Write a request down; the fault that is due for it."""
        with self._lock:
            self.asked.append(asked)
            for fault in self.faults:
                if fault.times > 0 and fault.path in asked.path and fault.method in (None, asked.method):
                    fault.times -= 1
                    return fault
        return None

    def blob(self, sha256: str) -> bytes | None:
        """A large file of any repository, by its hash."""
        contents = (content for repo in self.repos.values() for files in repo.commits.values() for content in files.values())
        return next((content for content in contents if hashlib.sha256(content).hexdigest() == sha256), None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        headers = self.headers
        asked = Asked(self.command, path, headers.get("Range"), headers.get("Authorization"), headers.get("Host", ""))
        fault = self.hub.note(asked) or Fault("", times=0)
        time.sleep(fault.delay_s)
        if fault.status is not None:
            self._refuse(fault.status)
        elif path.startswith("/storage/"):
            content = self.hub.blob(path.removeprefix("/storage/"))
            self._send(content or b"", asked, fault, {})
        elif path.startswith("/api/models/"):
            self._describe(path.removeprefix("/api/models/"), asked, sizes="blobs" in parse_qs(address.query))
        elif "/resolve/" in path:
            self._resolve(path, asked, fault)
        else:
            self._refuse(404)

    def _describe(self, path: str, asked: Asked, *, sizes: bool) -> None:
        repo_id, _, revision = path.partition("/revision/")
        repo = self._repo(repo_id, asked)
        if repo is None:
            return
        commit = self._commit(repo, revision or "main")
        if commit is None:
            return
        listed = [_listed(name, content, sizes=sizes and self.hub.lists_sizes) for name, content in sorted(repo.commits[commit].items())]
        body = json.dumps({"id": repo_id, "modelId": repo_id, "sha": commit, "tags": [], "private": repo.private, "siblings": listed})
        self._reply(200, body.encode(), {"Content-Type": "application/json"})

    def _resolve(self, path: str, asked: Asked, fault: Fault) -> None:
        repo_id, _, rest = path.removeprefix("/").partition("/resolve/")
        repo = self._repo(repo_id, asked)
        if repo is None:
            return
        if repo.gated and not self._knows(asked):
            return self._refuse(403, code="GatedRepo", message="Access to this model is restricted")
        revision, _, name = rest.partition("/")
        commit = self._commit(repo, revision)
        if commit is None:
            return None
        if name not in repo.commits[commit]:
            return self._refuse(404, code="EntryNotFound", headers={"X-Repo-Commit": commit})
        content = repo.commits[commit][name]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{_git_hash(content)}"'}
        if not name.endswith(LARGE):
            return self._send(content, asked, fault, headers)
        digest = hashlib.sha256(content).hexdigest()
        headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        headers["Location"] = f"http://localhost:{self.hub.port}/storage/{digest}"
        return self._reply(302, b"", headers)

    def _repo(self, repo_id: str, asked: Asked) -> Repo | None:
        if asked.authorization is not None and not self._knows(asked):
            self._refuse(401, message="Invalid credentials in Authorization header")
            return None
        repo = self.hub.repos.get(repo_id)
        if repo is None or (repo.private and not self._knows(asked)):
            self._refuse(404 if self._knows(asked) else 401, code="RepoNotFound", message="Repository not found")
            return None
        return repo

    def _commit(self, repo: Repo, revision: str) -> str | None:
        commit = revision if revision in repo.commits else repo.refs.get(revision)
        if commit is None:
            self._refuse(404, code="RevisionNotFound", message=f"Invalid rev id: {revision}")
        return commit

    def _knows(self, asked: Asked) -> bool:
        return (asked.authorization or "").removeprefix("Bearer ") in self.hub.tokens

    def _send(self, content: bytes, asked: Asked, fault: Fault, headers: Mapping[str, str]) -> None:
        content = content if fault.body is None else fault.body
        start, status = 0, 200
        more = dict(headers)
        if asked.range is not None and not fault.ignore_range:
            start, status = int(asked.range.removeprefix("bytes=").rstrip("-")), 206
            more["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._reply(status, content[start:], more, after=fault.after)

    def _refuse(self, status: int, *, code: str = "", message: str = "", headers: Mapping[str, str] | None = None) -> None:
        more = dict(headers or {})
        if code:
            more["X-Error-Code"] = code
        if message:
            more["X-Error-Message"] = message
        self._reply(status, json.dumps({"error": message}).encode(), more)

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str], *, after: int | None = None) -> None:
        self.close_connection = True
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if after is None else body[:after])


def _listed(name: str, content: bytes, *, sizes: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"rfilename": name}
    if sizes:
        entry |= {"size": len(content), "blobId": _git_hash(content)}
        if name.endswith(LARGE):
            entry["lfs"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 134}
    return entry


def _git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serve() -> Iterator[HubServer]:
    """A hub that runs for as long as the block does."""
    handler = type("Handler", (_Handler,), {})
    server = LoopbackServer(("127.0.0.1", 0), handler)
    hub = HubServer(server.server_address[1])
    handler.hub = hub  # type: ignore[attr-defined]  # one handler class a server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def loopback_hub(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[HubServer]:
    """A running hub without models in an environment that knows no other, an empty cache, and retries that do not wait."""
    from huggingface_hub import constants

    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "no-token"))
    monkeypatch.setattr("adjudge.models.hub_fetch._PAUSE_S", 0.0)
    with serve() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HOME", str(home / "hf"))
        yield server
