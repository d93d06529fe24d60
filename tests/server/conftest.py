"""Servers that the tests of the service share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from adjudge.backends.base import Batch
from adjudge.backends.fake import FakeBackend
from adjudge.server.metrics import Metrics
from adjudge.server.registry import Registry
from adjudge.server.service import Service
from adjudge.server.settings import Limits, Settings
from tests.server.asking import Start
from tests.server.serving import PATIENCE_S, Gate, Live, Serve, quick_settings, serving
from tests.tiny_models import Tiny

Folders = Callable[[Tiny], Path]


@pytest.fixture(scope="session")
def quick_folder(tiny_folder: Folders) -> Path:
    """A model with a byte-level tokenizer, which loads in milliseconds."""
    return tiny_folder(Tiny(family="roberta"))


@pytest.fixture(scope="session")
def live_server(quick_folder: Path) -> Iterator[Live]:
    """One server for all tests that only ask it something. Its model is called "quick"; what it judges by is word overlap."""
    with serving(quick_settings(quick_folder)) as live:
        yield live


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """What every fake forward pass of this test goes through. It stands open until the test shuts it, and again at the test's end."""
    found, real = Gate(), FakeBackend.forward

    def forward(self: FakeBackend, batch: Batch) -> object:
        return found.forward(self, batch, real)

    monkeypatch.setattr(FakeBackend, "forward", forward)
    yield found
    found.open()


@pytest.fixture
def serve(quick_folder: Path, gate: Gate) -> Iterator[Serve]:
    """Start a server of the test's own: serve(keys=Keys(["a"])) changes settings, serve(settings=...) takes others."""
    with ExitStack() as servers:

        def start(*, settings: Settings | None = None, ready: bool = True, app: dict[str, Any] | None = None, **changes: Any) -> Live:
            wanted = quick_settings(quick_folder, **changes) if settings is None else settings
            live = servers.enter_context(serving(wanted, ready=ready, **({} if app is None else app)))
            servers.callback(gate.open)  # called before that server ends: no pass may hold it up
            return live

        yield start


@pytest.fixture
def start(quick_folder: Path, gate: Gate) -> Iterator[Start]:
    """A service whose model is ready: start(Limits(...))."""
    running: list[Service] = []

    def begin(limits: Limits | None = None, **options: Any) -> Service:
        settings = quick_settings(quick_folder, limits=Limits() if limits is None else limits)
        done = threading.Event()
        registry = Registry(settings, on_loaded=done.set, **options)
        running.append(Service(registry, settings.limits, Metrics()))
        registry.start()
        assert done.wait(PATIENCE_S)
        return running[-1]

    yield begin
    gate.open()
    for service in running:
        assert service.close(timeout_s=PATIENCE_S)
        assert (service.places.pairs, service.places.requests) == (0, 0), "every place is given back"
