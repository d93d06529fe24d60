"""OpenTelemetry spans, where they are asked for: a request, and below it the queue, the tokeniser and the model.

A server that was not asked for them imports nothing of OpenTelemetry. A request's span continues the trace that the client began (W3C
traceparent), and is the current span on every thread that works for it. Spans hold counts and names, never texts.

The stages of a request overlap: while one block of documents is computed the next is tokenised. The three spans below a request have the
durations that the engine measured, one after the other from the body's last byte on; what is left of the request is reading and writing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..errors import MissingExtraError
from .asgi import App, Message, Receive, Scope, Send
from .visit import VISIT, Visit

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["CLOSING_S", "Traced", "Tracing", "open_tracing"]

logger = logging.getLogger("adjudge.server")

CLOSING_S = 3.0
"""How long a stop waits for the last spans to be sent; OpenTelemetry alone tries for ten seconds."""

_STAGES = ("queue", "tokenise", "forward")


class Tracing:
    """Where spans go. Safe to share between threads."""

    def __init__(self, provider: TracerProvider, *, owned: bool) -> None:
        """`owned`: close() shuts the provider down."""
        self._tracer = provider.get_tracer("adjudge", __version__)
        self._provider = provider
        self._owned = owned

    @contextmanager
    def request(self, scope: Scope) -> Iterator[Span]:
        """The span of a request, current inside. Ends when the block does; an exception that goes through is recorded."""
        from opentelemetry import propagate, trace

        carried = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        span = self._tracer.start_span(
            scope["method"],
            context=propagate.extract(carried),
            kind=trace.SpanKind.SERVER,
            attributes={"http.request.method": scope["method"]},
        )
        with trace.use_span(span, end_on_exit=True):
            yield span

    def finish(self, span: Span, visit: Visit, path: str, status: int) -> None:
        """What is known of the request when it is over, and its stages as spans of their own."""
        from opentelemetry import trace

        span.set_attributes({"http.response.status_code": status, "adjudge.request_id": visit.request_id})
        if visit.dialect is not None:  # else nobody answers at this path, and a client may make up any
            span.update_name(f"POST {path}")
            span.set_attributes({"http.route": path, "adjudge.dialect": visit.dialect.name})
            span.set_attributes({"adjudge.model": visit.model, "adjudge.documents": visit.documents, "adjudge.tokens": visit.tokens})
        if status >= 500:
            span.set_status(trace.StatusCode.ERROR)
        if visit.judged and span.is_recording():
            self._stages(span, visit)

    def close(self) -> None:
        """Send what is left, where the provider is this one's own. Gives up after CLOSING_S, because a collector may be gone."""
        if not self._owned:
            return
        shutdown = self._provider.shutdown  # type: ignore[attr-defined]  # of the SDK's, which an own one is
        closing = threading.Thread(target=shutdown, name="adjudge-spans", daemon=True)
        closing.start()
        closing.join(CLOSING_S)
        if closing.is_alive():
            logger.warning("the collector took no spans for %.0f s; the last spans are lost", CLOSING_S)

    def _stages(self, span: Span, visit: Visit) -> None:
        from opentelemetry import trace

        context = trace.set_span_in_context(span)
        at = time.time_ns() - int(visit.total_ms * 1e6) + int(visit.body_ms * 1e6)
        for stage in _STAGES:
            until = at + int(getattr(visit, f"{stage}_ms") * 1e6)
            self._tracer.start_span(stage, context=context, start_time=at).end(until)
            at = until


class Traced:
    """An ASGI middleware inside the Envelope: a span for each POST, which is what judges."""

    def __init__(self, app: App, *, tracing: Tracing) -> None:
        """`tracing`: what open_tracing() gave."""
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        status = 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracing.request(scope) as span:
            try:
                await self._app(scope, receive, send_noted)
            finally:
                self._tracing.finish(span, scope[VISIT], scope["path"], status)


def open_tracing(provider: TracerProvider | None = None) -> Tracing:
    """Begin. `provider`: where spans go; None: the process's own where one is set up, else OTLP over HTTP as OTEL_* variables say.

    Raises MissingExtraError without OpenTelemetry's SDK.
    """
    if provider is not None:
        return Tracing(provider, owned=False)
    trace = _opentelemetry()
    known = trace.get_tracer_provider()
    if not isinstance(known, trace.ProxyTracerProvider):  # opentelemetry-instrument, or the program around this one
        return Tracing(known, owned=False)
    return Tracing(_exporting(), owned=True)


def _exporting() -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as exc:
        raise _missing("opentelemetry-exporter-otlp-proto-http") from exc
    named = Resource({"service.name": "adjudge"}).merge(OTELResourceDetector().detect())  # OTEL_SERVICE_NAME has the last word
    provider = TracerProvider(resource=named, shutdown_on_exit=False)  # close() does it, and does not wait for ever
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _opentelemetry() -> Any:
    try:
        from opentelemetry import trace
    except ImportError as exc:
        raise _missing("opentelemetry-sdk") from exc
    return trace


def _missing(package: str) -> MissingExtraError:
    return MissingExtraError(package=package, extra="tracing", what="tracing")
