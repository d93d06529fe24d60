"""Fixtures that every test shares: tiny models, built once a session when first asked for."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from adjudge import Reranker
from tests.tiny_models import FAMILIES, Tiny, build

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    # Started in the background of a script, as with nohup: every process under test would inherit that it ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

Folders = Callable[[Tiny], Path]
"""A recipe in, its folder out. The folder is shared: copy it before you change it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests last, so that a quick one that fails is seen early."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command gives the library's logger a handler and a level, which other tests must not meet."""
    logger = logging.getLogger("adjudge")
    handlers, level = list(logger.handlers), logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Build a recipe, or give back the folder it was built in before."""
    root = tmp_path_factory.mktemp("tiny")
    lock = threading.Lock()

    def folder_for(tiny: Tiny) -> Path:
        folder = root / tiny.folder_name
        with lock:
            return folder if folder.is_dir() else build(tiny, folder)

    return folder_for


@pytest.fixture(scope="session", params=FAMILIES)
def family_folder(request: pytest.FixtureRequest, tiny_folder: Folders) -> Path:
    """The one-label model of every family in turn."""
    return tiny_folder(Tiny(family=request.param))


@pytest.fixture(scope="session")
def tiny_model(tiny_folder: Folders) -> Path:
    """One small model, for tests that need a model and not a particular one: XLM-RoBERTa, one label."""
    return tiny_folder(Tiny(family="xlm-roberta"))


@pytest.fixture(scope="session")
def embedded() -> Iterator[Reranker]:
    """The shipped judge as it runs on a CPU. Shared: do not close it."""
    with Reranker(backend="openvino") as judge:
        yield judge


@pytest.fixture(scope="session")
def embedded_f32() -> Iterator[Reranker]:
    """The shipped judge in float32, which is what golden.json is compared with. Shared: do not close it."""
    with Reranker(backend="openvino", precision="f32") as judge:
        yield judge


@pytest.fixture(scope="session")
def word_judge() -> Iterator[Reranker]:
    """Word overlap on the shipped tokenizer: for tests of all but the numbers. Shared: do not close it."""
    with Reranker(backend="fake") as judge:
        yield judge
