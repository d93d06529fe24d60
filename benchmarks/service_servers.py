"""The servers that are compared: each a process of its own, on a free port of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

__all__ = ["SERVERS", "NotStartedError", "Running", "Server", "running"]

ROOT = Path(__file__).resolve().parent.parent
START_S = 300.0


class NotStartedError(RuntimeError):
    """A server did not come up; its log says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A contestant. `environment`: a folder made by benchmarks.make_peers, or None for adjudge's own."""

    name: str
    label: str
    command: tuple[str, ...]  # {python}, {bin}, {model}, {port} and {threads} are filled in
    ready: str  # a path that answers 200 when requests may come
    environment: str | None = None
    path: str = "/rerank"


SERVERS = (
    Server(
        "adjudge", "adjudge serve", ("{python}", "-m", "adjudge", "serve", "--model", "{model}", "--port", "{port}", "--truncate"), "/ready"
    ),
    Server(
        "st-fastapi",
        "sentence-transformers behind FastAPI",
        ("{python}", "-m", "benchmarks.workers.sentence_transformers_service", "{model}", "{port}", "{threads}"),
        "/ready",
        environment="sentence-transformers-service",
    ),
    Server(
        "infinity",
        "infinity-emb",
        ("{bin}/infinity_emb", "v2", "--model-id", "{model}", "--port", "{port}", "--device", "cpu", "--no-bettertransformer"),
        "/health",
        environment="infinity",
    ),
)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    server: Server
    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        """Where it is asked for judgement."""
        return f"http://127.0.0.1:{self.port}{self.server.path}"

    def rss_mib(self) -> float:
        """Resident memory of the process and its children."""
        family = [self.process, *self.process.children(recursive=True)]
        return float(sum(member.memory_info().rss for member in family)) / 2**20

    def busy_s(self) -> float:
        """CPU seconds it has used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def running(server: Server, model: str, peers: Path, *, log: Path) -> Iterator[Running | None]:
    """Inside, the server answers. None where its environment was not made. Raises NotStartedError."""
    python = _python(server, peers)
    if python is None:
        yield None
        return
    port = _free_port()
    threads = str(os.cpu_count() or 1)
    words = {"python": str(python), "bin": str(python.parent), "model": model, "port": str(port), "threads": threads}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen([word.format(**words) for word in server.command], cwd=ROOT, stdout=out, stderr=out, env=_environment())
        try:
            _wait(process, f"http://127.0.0.1:{port}{server.ready}", log)
            yield Running(server, port, psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _python(server: Server, peers: Path) -> Path | None:
    if server.environment is None:
        return Path(sys.executable)
    path = (peers / server.environment / "bin" / "python").absolute()
    return path if path.exists() and shutil.which(str(path)) else None


def _environment() -> dict[str, str]:
    """Nobody downloads, nobody phones home while a clock runs."""
    return {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "INFINITY_ANONYMOUS_USAGE_STATS": "0",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(url, verify=False, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise NotStartedError(f"{url} does not answer; the last line of {log}: {words[-1] if words else '(nothing)'}")
