"""Models of a server: in the background, in order, one failing alone, and a GPU that goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adjudge import Reranker
from adjudge.backends.base import Backend, Batch, Floats, Traits
from adjudge.errors import BackendError, BackendMemoryError, BackendUnavailableError, ConfigError, InvalidLogitsError, ModelNotFoundError
from adjudge.server.registry import Opener, Registry
from adjudge.server.settings import ModelSource, Settings, parse_model
from tests.server.serving import PATIENCE_S, until


class Gpu:
    """A backend that says it runs on a GPU, and fails when it is told to."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner
        self.error: Exception | None = None

    @property
    def traits(self) -> Traits:
        return replace(self._inner.traits, device="cuda:0")

    def forward(self, batch: Batch) -> Floats:
        if self.error is not None:
            raise self.error
        return self._inner.forward(batch)

    def close(self) -> None:
        self._inner.close()


class Opened:
    """Opens rerankers on the fake backend, and remembers how it was asked to."""

    def __init__(self, folder: Path, *, gpu_error: Exception | None = None) -> None:
        self.folder = folder
        self.gpu_error = gpu_error
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.gpus: list[Gpu] = []

    def __call__(self, source: str, **options: Any) -> Reranker:
        self.calls.append((source, options))
        if options.get("device") != "cpu" and self.gpu_error is not None:
            raise self.gpu_error
        reranker = Reranker(self.folder, backend="fake")
        if options.get("device") != "cpu":
            self.gpus.append(Gpu(reranker.backend))
            reranker.engine.backend = self.gpus[-1]
        return reranker


def settings(*models: str, **changes: Any) -> Settings:
    return Settings(models=tuple(map(parse_model, models)), **changes)


@contextmanager
def loaded(wanted: Settings, opener: Opener | None = None, **options: Any) -> Iterator[Registry]:
    """A registry whose models have all been tried."""
    done = threading.Event()
    registry = Registry(wanted, opener=opener, on_loaded=done.set, **options)
    registry.start()
    try:
        assert done.wait(PATIENCE_S)
        yield registry
    finally:
        assert registry.close(timeout_s=PATIENCE_S)


def test_names_and_the_default(quick_folder: Path) -> None:
    models = (ModelSource(name="a", source=str(quick_folder)), ModelSource(name="b", source=str(quick_folder)))
    with loaded(Settings(models=models, options={"backend": "fake"})) as registry:
        assert registry.names == ("a", "b")
        assert registry.get(None) is registry.get("a")
        assert registry.get("b") is registry.get("a"), "two names of one folder share one model"
        assert registry.get("c") is None
        assert registry.ready
        model = registry.get("a")
        assert model is not None
        assert model.load_ms > 0
        assert model.warm_ms > 0


def test_one_after_the_other_in_the_order_given(quick_folder: Path) -> None:
    opener = Opened(quick_folder)
    with loaded(settings("z=one", "a=two", "y=one"), opener) as registry:
        assert [source for source, _ in opener.calls] == ["one", "two"]
        assert [model.names for model in registry] == [("z", "y"), ("a",)]


def test_one_that_fails_leaves_the_others_serving(quick_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    opener = Opened(quick_folder)

    def one_missing(source: str, **options: Any) -> Reranker:
        if source == "missing":
            raise ModelNotFoundError("there is no folder 'missing'")
        if source == "broken":
            raise RuntimeError("a bug")
        return opener(source, **options)

    with loaded(settings("missing", "broken", "good"), one_missing) as registry:
        states = {model.name: (model.state, type(model.error).__name__) for model in registry}
        assert states == {"missing": ("failed", "ModelNotFoundError"), "broken": ("failed", "RuntimeError"), "good": ("ready", "NoneType")}
        assert not registry.ready
        assert not registry.failed
    assert "missing could not be loaded: there is no folder 'missing'" in caplog.text
    assert "Traceback" in caplog.text, "of what is no error of adjudge's own, the log must say where it came from"


class Panic(BaseException):
    """As of a library in Rust: no Exception."""


def test_a_panic_in_one_model_leaves_the_others_serving(quick_folder: Path) -> None:
    opener = Opened(quick_folder)

    def panics(source: str, **options: Any) -> Reranker:
        if source == "broken":
            raise Panic("index out of bounds")
        return opener(source, **options)

    with loaded(settings("broken", "good"), panics) as registry:
        assert [(model.name, model.state) for model in registry] == [("broken", "failed"), ("good", "ready")]
        assert str(next(iter(registry)).error) == "Panic: index out of bounds"


def test_when_all_fail() -> None:
    def none(source: str, **options: Any) -> Reranker:
        raise ModelNotFoundError(source)

    with loaded(settings("a", "b"), none) as registry:
        assert registry.failed


def test_a_model_that_cannot_be_warmed_up_is_closed_again(quick_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opener, closed = Opened(quick_folder), []

    def cold(source: str, **options: Any) -> Reranker:
        reranker = opener(source, **options)
        opener.gpus[-1].error = BackendError("no")
        real = reranker.close
        monkeypatch.setattr(reranker, "close", lambda: (closed.append(source), real()))
        return reranker

    with loaded(settings("a"), cold) as registry:
        assert registry.failed
        assert closed == ["a"]


def test_what_a_model_is_opened_with(quick_folder: Path, tmp_path: Path) -> None:
    opener = Opened(quick_folder)
    options: Any = {"precision": "f32", "cache": str(tmp_path / "scores.sqlite"), "first": "small", "keep": 3, "budget_ms": 5.0}
    with loaded(settings("big", "small", options=options), opener) as registry:
        (_, big), (_, small) = opener.calls
        assert big["cache"] is small["cache"], "one cache for all"
        assert (big["first"], big["keep"], big["budget_ms"]) == ("small", 3, 5.0)
        assert not {"first", "keep", "budget_ms"} & set(small), "a model cannot prepare its own work"
        assert big["share_batches"] is small["share_batches"] is True
        cache = big["cache"]
        cache.put([b"k"], np.ones((1, 1), np.float32))
        assert cache.get([b"k"])[0] is not None
        del registry
    assert cache.get([b"k"]) == [None], "it is the registry's, and closed with it"


def test_a_cache_that_cannot_be_opened_is_told_at_once() -> None:
    with pytest.raises(ConfigError, match="cache"):
        Registry(settings("a", options={"cache": 1.5}))


def test_a_cache_that_was_handed_in_stays_open(quick_folder: Path) -> None:
    from adjudge.engine.cache import MemoryCache

    cache = MemoryCache()
    with loaded(settings("a", options={"cache": cache}), Opened(quick_folder)):
        cache.put([b"k"], np.ones((1, 1), np.float32))
    assert cache.get([b"k"])[0] is not None, "a closed one has forgotten"
    cache.close()


def test_closing_while_a_model_loads(quick_folder: Path) -> None:
    """What is being loaded is waited for, what comes behind it is not begun."""
    begun, go_on = threading.Event(), threading.Event()
    opener = Opened(quick_folder)

    def slow(source: str, **options: Any) -> Reranker:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return opener(source, **options)

    registry = Registry(settings("a", "b"), opener=slow)
    registry.start()
    assert begun.wait(PATIENCE_S)
    assert [model.state for model in registry] == ["loading", "waiting"]
    assert not registry.close(timeout_s=0.01), "it does not wait for ever"
    go_on.set()
    assert registry.close(timeout_s=PATIENCE_S)
    assert [source for source, _ in opener.calls] == ["a"]


@pytest.mark.parametrize("error", [BackendMemoryError("no room"), BackendUnavailableError("no GPU")])
def test_a_gpu_that_is_not_there(quick_folder: Path, error: BackendError) -> None:
    told: list[str] = []
    opener = Opened(quick_folder, gpu_error=error)
    options: Any = {"device": "cuda", "precision": "f16", "backend": "torch"}
    with loaded(settings("a", options=options, cpu_fallback=True), opener, on_fallback=told.append) as registry:
        model = registry.get("a")
        assert model is not None
        assert model.ready
        assert model.fallback == str(error)
        assert told == [type(error).__name__]
        assert {"device": "cpu", "backend": "auto", "precision": "auto"}.items() <= opener.calls[1][1].items()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, BackendMemoryError("no room")),  # nobody asked for a fallback
        ({"cpu_fallback": True, "options": {"device": "cpu"}}, BackendMemoryError("no room")),
        ({"cpu_fallback": True}, ModelNotFoundError("nowhere")),  # the CPU would not find it either
    ],
)
def test_no_fallback_in_silence_or_in_vain(quick_folder: Path, changes: dict[str, Any], error: Exception) -> None:
    calls: list[str] = []

    def failing(source: str, **options: Any) -> Reranker:
        calls.append(source)
        raise error

    with loaded(settings("a", **changes), failing) as registry:
        assert registry.failed
        assert calls == ["a"]


Case = Callable[[Registry, Opened], None]


@pytest.fixture
def on_gpu(quick_folder: Path) -> Iterator[tuple[Registry, Opened, list[str]]]:
    """A model on a GPU, with a fallback."""
    told: list[str] = []
    opener = Opened(quick_folder)
    with loaded(settings("a", cpu_fallback=True), opener, on_fallback=told.append) as registry:
        yield registry, opener, told


def test_a_gpu_that_is_lost_while_it_runs(on_gpu: tuple[Registry, Opened, list[str]]) -> None:
    registry, opener, told = on_gpu
    broken = registry.get("a")
    assert broken is not None
    lost = BackendError("the GPU has fallen off the bus")
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(registry.replace_lost(broken, lost))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(opener.calls) == 2, "the first one loads it, the others wait for that"
    now = registry.get("a")
    assert found == [now] * 4
    assert now is not None
    assert now.reranker is not broken.reranker
    assert now.fallback == str(lost)
    assert told == ["BackendError"]
    assert now.reranker is not None
    assert now.reranker.rank("red", ["red", "blue"])[0].index == 0
    assert registry.replace_lost(now, lost) is None, "there is nothing below the CPU"
    until(lambda: not any(thread.name == "adjudge-close" for thread in threading.enumerate()))


def test_a_model_that_says_nan_is_no_lost_gpu(on_gpu: tuple[Registry, Opened, list[str]]) -> None:
    registry, opener, told = on_gpu
    broken = registry.get("a")
    assert broken is not None
    assert registry.replace_lost(broken, InvalidLogitsError("NaN")) is None
    assert (len(opener.calls), told) == (1, [])


def test_a_cpu_that_cannot_either(on_gpu: tuple[Registry, Opened, list[str]], caplog: pytest.LogCaptureFixture) -> None:
    registry, opener, told = on_gpu
    broken = registry.get("a")
    assert broken is not None
    opener.folder = Path("nowhere")
    assert registry.replace_lost(broken, BackendError("lost")) is None
    assert "nor could it be loaded on the CPU" in caplog.text
    assert told == []
    assert registry.get("a") is broken
