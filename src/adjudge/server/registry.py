"""The models of a server: loaded one after the other in the background, each warmed up before it counts as ready."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from ..config import Options
from ..errors import AdjudgeError, BackendError, BackendMemoryError, BackendUnavailableError, InvalidLogitsError
from .settings import Settings

if TYPE_CHECKING:
    from ..engine.engine import BatchDone
    from ..reranker import Reranker

__all__ = ["Loaded", "Opener", "Registry", "State"]

logger = logging.getLogger("adjudge.server")

State: TypeAlias = Literal["waiting", "loading", "ready", "failed"]

Opener: TypeAlias = Callable[..., "Reranker"]
"""Makes a reranker: called as Reranker is, with a source and options."""

_OF_THE_CASCADE = ("first", "keep", "budget_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One model as it stands now."""

    names: tuple[str, ...]  # what requests may call it; the first one is its own
    source: str
    state: State = "waiting"
    reranker: Reranker | None = None  # there when it is ready
    error: Exception | None = None  # there when it failed
    load_ms: float = 0.0
    warm_ms: float = 0.0
    fallback: str = ""  # why it runs on the CPU, where it was meant for a GPU

    @property
    def name(self) -> str:
        """The name it is counted by."""
        return self.names[0]

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return self.state == "ready"


class Registry:
    """Names to models. Safe to use from many threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        opener: Opener | None = None,
        on_fallback: Callable[[str], None] | None = None,
        on_loaded: Callable[[], None] | None = None,
        on_batch: Callable[[BatchDone], None] | None = None,
    ) -> None:
        """`opener`: what makes a reranker; None: Reranker. `on_fallback`: told why, each time a model goes to the CPU.

        `on_batch`: told of every batch, from the thread that computed it.

        `on_loaded`: called once, from the loading thread, when every model is ready or has failed. Raises ConfigError for a cache that
        cannot be opened.
        """
        from ..engine.cache import open_cache

        wanted = settings.options.get("cache")
        self._cache = open_cache(wanted)  # type: ignore[arg-type]  # anything else is a ConfigError
        self._owns_cache = self._cache is not wanted
        self._options = _shared(settings.options, self._cache)
        self._cpu_fallback = settings.cpu_fallback
        self._opener = opener
        self._on_fallback = on_fallback
        self._on_loaded = on_loaded
        self._on_batch = on_batch
        self._models = {source: Loaded(names=names, source=source) for source, names in settings.sources.items()}
        self._sources = {model.name: model.source for model in settings.models}
        self._lock = threading.Lock()
        self._replacing = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._load_all, name="adjudge-models", daemon=True)  # so that a download can be left

    def __iter__(self) -> Iterator[Loaded]:
        with self._lock:
            return iter(tuple(self._models.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a request may use; the first one is the default."""
        return tuple(self._sources)

    @property
    def ready(self) -> bool:
        """Whether all models are warm."""
        return all(model.ready for model in self)

    @property
    def failed(self) -> bool:
        """Whether no model can ever answer."""
        return all(model.state == "failed" for model in self)

    def get(self, name: str | None) -> Loaded | None:
        """The model of that name (None: the default) as it stands now, or None where there is none."""
        source = self._sources.get(self.names[0] if name is None else name)
        if source is None:
            return None
        with self._lock:
            return self._models[source]

    def start(self) -> None:
        """Begin to load, in the order given, on a thread of its own."""
        self._thread.start()

    def close(self, *, timeout_s: float) -> bool:
        """Free every model; batches that are running finish. False where that, or a model that is being loaded, takes longer."""
        self._closing.set()
        closing = threading.Thread(target=self._close_all, name="adjudge-close", daemon=True)
        closing.start()
        closing.join(timeout_s)
        return not closing.is_alive()

    def replace_lost(self, broken: Loaded, error: BackendError) -> Loaded | None:
        """The same model on the CPU, where it ran on a GPU, a fallback was asked for, and `error` says that the GPU is lost or full.

        None where nothing can take its place. Whoever comes first loads it, the others wait for that.
        """
        if not self._cpu_fallback or isinstance(error, InvalidLogitsError) or broken.reranker is None:
            return None
        with self._replacing:
            now = self._models[broken.source]
            if now.reranker is not broken.reranker:
                return now if now.ready else None
            if self._closing.is_set() or broken.reranker.traits.device == "cpu":
                return None
            try:
                found = self._on_cpu(broken, error)
            except (AdjudgeError, OSError) as exc:
                logger.error("%s: nor could it be loaded on the CPU: %s", broken.name, exc)
                return None
            self._set(found)
        threading.Thread(target=broken.reranker.close, name="adjudge-close", daemon=True).start()  # a lost GPU may never let go
        return found

    def _close_all(self) -> None:
        if self._thread.is_alive():
            self._thread.join()
        with self._replacing:
            for model in self:
                if model.reranker is not None:
                    model.reranker.close()
        if self._cache is not None and self._owns_cache:
            self._cache.close()

    def _load_all(self) -> None:
        for model in self:
            if self._closing.is_set():
                return
            self._set(replace(model, state="loading"))
            try:
                found = self._load(model)
            except BaseException as exc:  # a worker's loop: whatever one model does (a panic is no Exception), the next is loaded
                logger.error("%s could not be loaded: %s", model.name, exc, exc_info=None if isinstance(exc, AdjudgeError) else exc)
                error = exc if isinstance(exc, Exception) else RuntimeError(f"{type(exc).__name__}: {exc}")
                found = replace(model, state="failed", error=error)
            self._set(found)
        if self._on_loaded is not None:
            self._on_loaded()

    def _load(self, model: Loaded) -> Loaded:
        try:
            return self._opened(model, self._options_of(model))
        except (BackendUnavailableError, BackendMemoryError) as exc:
            if not self._cpu_fallback or self._options.get("device", "auto") == "cpu":
                raise
            return self._on_cpu(model, exc)

    def _on_cpu(self, model: Loaded, error: BackendError) -> Loaded:
        options = self._options_of(model) | {"device": "cpu", "backend": "auto", "precision": "auto"}
        found = self._opened(model, options)
        logger.warning("%s goes on on the CPU, and slower: %s", model.name, error)
        if self._on_fallback is not None:
            self._on_fallback(type(error).__name__)
        return replace(found, fallback=str(error))

    def _opened(self, model: Loaded, options: Mapping[str, Any]) -> Loaded:
        from ..reranker import Reranker

        reranker = (Reranker if self._opener is None else self._opener)(model.source, **options)
        with ExitStack() as on_failure:
            on_failure.callback(reranker.close)
            warm_ms = reranker.warm_up()
            on_failure.pop_all()
        for engine in (reranker.engine, *(() if reranker.cascade is None else (reranker.cascade.first,))):
            engine.watch(self._on_batch)  # after the warm-up, which is no traffic
        traits = reranker.traits
        runs = f"{traits.backend}, {traits.device}, {traits.precision}"
        logger.info("%s is ready: %s, loaded in %.0f ms, warm after %.0f ms", model.name, runs, reranker.load_ms, warm_ms)
        return replace(model, state="ready", reranker=reranker, load_ms=reranker.load_ms, warm_ms=warm_ms)

    def _options_of(self, model: Loaded) -> dict[str, Any]:
        """The server's options, less the first judge's where that is this very model: it cannot prepare its own work."""
        alone = str(self._options.get("first")) == model.source
        return {name: value for name, value in self._options.items() if not (alone and name in _OF_THE_CASCADE)}

    def _set(self, model: Loaded) -> None:
        with self._lock:
            self._models[model.source] = model


def _shared(options: Options, cache: object) -> dict[str, Any]:
    """What every model is opened with: one cache for all, and batches shared between requests."""
    shared = cast("dict[str, Any]", dict(options)) | ({} if cache is None else {"cache": cache})
    return {"share_batches": True} | shared
