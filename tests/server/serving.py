"""Real servers on loopback ports, each on a thread of the test process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn

from adjudge.backends.base import Batch
from adjudge.backends.fake import FakeBackend
from adjudge.server.app import create_app
from adjudge.server.run import listen
from adjudge.server.service import Service
from adjudge.server.settings import ModelSource, Settings

__all__ = ["PATIENCE_S", "Gate", "Live", "Serve", "quick_settings", "serving", "until"]

PATIENCE_S = 120.0
"""Nothing here takes long; a machine may."""

# Requests say verify=False, because httpx reads all certificates of the machine for each client otherwise, for http:// as well.


@dataclass(frozen=True, slots=True)
class Live:
    """A server that listens."""

    port: int
    app: Any
    server: uvicorn.Server

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def service(self) -> Service:
        """What works in it."""
        found: Service = self.app.state.service
        return found

    def get(self, path: str, **options: Any) -> httpx.Response:
        """One request on a connection of its own."""
        return httpx.get(self.url + path, verify=False, timeout=PATIENCE_S, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """One request on a connection of its own."""
        return httpx.post(self.url + path, verify=False, timeout=PATIENCE_S, **options)

    def rank(self, query: str = "red apples", documents: Any = ("red apples", "bread"), **more: Any) -> httpx.Response:
        """POST /rerank."""
        return self.post("/rerank", json={"query": query, "documents": list(documents), **more})

    def connection(self) -> HTTPConnection:
        """A connection of which each part can be sent by itself."""
        return HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def metric(self, name: str) -> float:
        """The sum of one metric over its labels."""
        lines = (line for line in self.get("/metrics").text.splitlines() if line.startswith((f"{name} ", f"{name}{{")))
        return sum(float(line.rpartition(" ")[2]) for line in lines)


Serve = Callable[..., Live]


class Gate:
    """Every forward pass of the fake backend goes through it: while it is shut, they wait there."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self._opened.set()
        self.waiting = 0  # passes that have come to the gate since it was shut

    def shut(self) -> None:
        """From now on, passes wait."""
        self.waiting = 0
        self._opened.clear()

    def open(self) -> None:
        """Let all through."""
        self._opened.set()

    def forward(self, backend: FakeBackend, batch: Batch, real: Callable[[FakeBackend, Batch], Any]) -> np.ndarray:
        """In the place of FakeBackend.forward."""
        if not self._opened.is_set():
            self.waiting += 1
            assert self._opened.wait(PATIENCE_S), "nobody opened the gate"
        found: np.ndarray = real(backend, batch)
        return found


def quick_settings(folder: Path, **changes: Any) -> Settings:
    """One model called "quick" that needs milliseconds, and word overlap as its judgement."""
    return Settings(**{"models": (ModelSource(name="quick", source=str(folder)),), "options": {"backend": "fake"}, **changes})


@contextmanager
def serving(settings: Settings, *, ready: bool = True, **options: Any) -> Iterator[Live]:
    """Inside, a server listens; `ready`: and its models are warm. `options`: of create_app."""
    app = create_app(settings, **options)
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", ws="none", timeout_graceful_shutdown=30)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="test-server")
    thread.start()
    live = Live(listener.getsockname()[1], app, server)
    try:
        until(lambda: server.started)
        if ready:
            until(lambda: live.service.registry.ready)
        yield live
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the server did not end"


def until(true: Callable[[], bool]) -> None:
    """Wait for something that is about to happen."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)
