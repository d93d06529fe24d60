"""create_app(): the FastAPI application. Routes are plain ASGI endpoints, so that every answer, errors too, is in a dialect's own shape."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..engine.engine import BatchDone
from ..errors import MissingExtraError
from .asgi import Prepared, Receive, Scope, Send, prepare
from .endpoint import Endpoint, Route
from .envelope import Answered, Door, Envelope
from .openapi import document
from .protocols.dialect import Dialect, Fault, FaultKind, Reply
from .registry import Opener, Registry
from .service import Recorder, Service
from .settings import Settings
from .status import Status
from .tei_info import TeiStatus
from .tracing import Traced, Tracing, open_tracing
from .visit import visit_of

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.routing import BaseRoute

__all__ = ["create_app"]

OPEN = ("/health", "/ready", "/tei/health")
"""What needs no key: a load balancer has none. Nor do the files of the page, which anybody can have from the package."""

SHOWN_HEADERS = ("x-request-id", "x-total-time", "x-queue-time", "x-inference-time", "x-adjudge-warnings", "retry-after", "server-timing")
"""What a page of another origin may read."""

STOPPING_S = 10.0
"""How long a stop waits for work that nobody waits for any more."""


def create_app(
    settings: Settings | None = None,
    metrics: Recorder | None = None,
    *,
    opener: Opener | None = None,
    routes: Sequence[Route] | None = None,
    on_loaded: Callable[[], None] | None = None,
) -> FastAPI:
    """The service as an ASGI application, for uvicorn or any other server. Models begin to load when it starts.

    `settings`: None for the embedded model and the usual limits. `metrics`: None for a server.metrics.Metrics of its own. `opener`: what
    makes a reranker, called as Reranker is. `routes`: where which dialect is spoken; None for all of them. `on_loaded`: called when every
    model is ready or has failed. `app.state.service` is the Service. Raises MissingExtraError without fastapi, ConfigError for settings
    that cannot be.
    """
    fastapi = _fastapi()
    from .page import page_routes
    from .protocols.choose import ROUTES

    settings = Settings() if settings is None else settings
    recorder = _metrics(settings) if metrics is None else metrics
    spoken: tuple[Route, ...] = ROUTES if routes is None else tuple(routes)
    registry = Registry(settings, opener=opener, on_fallback=recorder.fallback, on_loaded=on_loaded, on_batch=_telling(recorder))
    service = Service(registry, settings.limits, recorder, threads=settings.options.get("threads"))
    tracing = open_tracing() if settings.tracing else None
    app: FastAPI = fastapi.FastAPI(
        title="adjudge",
        version=__version__,
        docs_url=None,  # both load their scripts from a CDN, and this server works where there is none
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(service, tracing),
        **_no_telemetry(fastapi),
    )
    app.state.service = service
    app.state.closed = False
    for route in spoken:
        _add(app, route.path, Endpoint(route, service, recorder, log_texts=settings.log.texts), "POST")
    _add_status(app, service, Status(service, recorder, tuple(route.path for route in spoken)), recorder)
    pages = page_routes()
    app.router.routes.extend(pages)
    voices = _Voices(spoken)
    _add_faults(app, voices)
    if tracing is not None:
        app.add_middleware(Traced, tracing=tracing)  # first, because what is added last stands outermost
    _add_envelope(app, settings, _Guests(pages), voices, recorder)
    described = document(spoken, model=registry.names[0], closed=bool(settings.keys))
    app.openapi = lambda: described  # type: ignore[method-assign]  # FastAPI's documented way to bring one's own
    return app


class _Voices:
    """Whose words are used at a path, where no route answers or before one does."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._exact = {route.path: route.default for route in routes}
        self._first: dict[str, Dialect] = {}
        for route in routes:  # the first route under /v1, /tei, ... speaks for everything there
            self._first.setdefault(route.path.split("/")[1], route.default)
        self._rest = self._exact.get("/rerank", next(iter(self._exact.values())))

    def __call__(self, path: str) -> Dialect:
        first = path.split("/")[1] if path.startswith("/") else ""
        return self._exact.get(path, self._first.get(first, self._rest))


def _telling(recorder: Recorder) -> Callable[[BatchDone], None]:
    return lambda done: recorder.batch(done.rows, done.padded_tokens, done.budget)


def _lifespan(service: Service, tracing: Tracing | None) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.registry.start()
        yield
        app.state.closed = await asyncio.to_thread(service.close, timeout_s=STOPPING_S)
        if tracing is not None:
            await asyncio.to_thread(tracing.close)

    return lifespan


def _add_status(app: FastAPI, service: Service, status: Status, recorder: Recorder) -> None:
    for path, ask in (("/health", status.health), ("/ready", status.ready), ("/info", status.info), ("/monitor", status.monitor)):
        _add(app, path, _Shown(partial(_prepared, ask)), "GET")
    tei = TeiStatus(service)
    for path, ask in (("/tei/health", tei.health), ("/tei/info", tei.info)):
        _add(app, path, _Shown(partial(_prepared, ask)), "GET")
    _add(app, "/metrics", _Shown(lambda: _plain(*recorder.render())), "GET")


def _add(app: FastAPI, path: str, endpoint: Any, method: str) -> None:
    """An ASGI application at a path. Not app.add_route, whose type knows functions of a Request only."""
    from starlette.routing import Route as Path

    app.router.routes.append(Path(path, endpoint, methods=[method]))


def _prepared(ask: Callable[[], Reply]) -> Prepared:
    return prepare(ask())


class _Shown:
    """An ASGI application that sends what a function gives."""

    def __init__(self, shown: Callable[[], Prepared]) -> None:
        self._shown = shown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._shown()(scope, receive, send)


def _plain(body: bytes, content_type: str) -> Prepared:
    headers = ((b"content-type", content_type.encode("latin-1")), (b"content-length", str(len(body)).encode()))
    return Prepared(200, headers, body)


def _add_faults(app: FastAPI, voices: _Voices) -> None:
    from starlette.exceptions import HTTPException

    def known(request: Request, exc: Exception) -> Prepared:
        assert isinstance(exc, HTTPException), "this handler is for that class"
        reply = _http_fault(exc.status_code, request.scope, voices)
        return prepare(reply, exc.headers)

    def unexpected(request: Request, exc: Exception) -> Prepared:
        """Starlette raises `exc` again behind this, so that the server's log has the traceback."""
        return _bug(voices, request.scope, exc)

    app.add_exception_handler(HTTPException, known)  # type: ignore[arg-type]  # any ASGI application can answer
    app.add_exception_handler(Exception, unexpected)  # type: ignore[arg-type]


def _bug(voices: _Voices, scope: Scope, exc: Exception) -> Prepared:
    visit = visit_of(scope)
    message = f"something unexpected went wrong ({type(exc).__name__}); the server's log has it under this time. Please report it"
    dialect = voices(scope["path"]) if visit.dialect is None else visit.dialect
    return prepare(dialect.fault(Fault(kind="backend", message=message), visit.request_id), visit.headers())


def _http_fault(status: int, scope: Scope, voices: _Voices) -> Reply:
    method, path = scope["method"], scope["path"]
    said: dict[int, tuple[FaultKind, str]] = {
        404: ("not_found", f"there is nothing at {path}; GET /info lists the paths, and GET /openapi.json describes them"),
        405: ("method_not_allowed", f"{path} does not take {method}; the Allow header says what it takes"),
    }
    kind, message = said.get(status, ("bad_request", f"{method} {path} cannot be answered ({status})"))
    return voices(path).fault(Fault(kind=kind, message=message), visit_of(scope).request_id)


class _Guests:
    """Which requests need no key."""

    def __init__(self, pages: Sequence[BaseRoute]) -> None:
        self._pages = pages

    def __call__(self, scope: Scope) -> bool:
        from starlette.routing import Match

        return scope["path"] in OPEN or any(page.matches(scope)[0] is Match.FULL for page in self._pages)


def _add_envelope(app: FastAPI, settings: Settings, guests: _Guests, voices: _Voices, recorder: Recorder) -> None:
    from starlette.middleware.cors import CORSMiddleware

    app.add_middleware(Door, keys=settings.keys, is_open=guests, dialect_of=voices, recorder=recorder)
    app.add_middleware(Envelope, log=settings.log.access or settings.log.texts)
    if settings.cors_origins:
        app.add_middleware(Answered, answer=partial(_bug, voices))
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "x-api-key", "x-request-id"],
            expose_headers=list(SHOWN_HEADERS),
        )


def _fastapi() -> Any:
    try:
        import fastapi
    except ImportError as exc:
        raise MissingExtraError(package="fastapi", extra="server", what="the HTTP service") from exc
    return fastapi


def _no_telemetry(fastapi: Any) -> dict[str, Any]:
    """Late versions make spans and metrics of their own where OpenTelemetry is set up; a request would have two."""
    if "telemetry" not in signature(fastapi.FastAPI).parameters:
        return {}
    return {"telemetry": dict.fromkeys(("tracing", "metrics", "logs"), False)}


def _metrics(settings: Settings) -> Recorder:
    """Its own, under each model's first name, with what drift is told against."""
    from ..monitor import DriftMonitor, load_reference
    from .metrics import Metrics

    own_names = {name: names[0] for names in settings.sources.values() for name in names}
    monitors = {own_names[name]: DriftMonitor(load_reference(path)) for name, path in settings.baselines.items()}
    return Metrics(dict.fromkeys(own_names.values()), monitors=monitors)
