"""Spans of a request and its stages, in the SDK's own memory; nothing of OpenTelemetry without being asked."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adjudge.errors import MissingExtraError
from adjudge.server.asgi import Message, Receive, Scope, Send
from adjudge.server.envelope import Envelope
from adjudge.server.tracing import CLOSING_S, Traced, open_tracing
from adjudge.server.visit import VISIT

App = Callable[[Scope, Receive, Send], Awaitable[None]]

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Spoken:
    """A dialect, as far as a span looks."""

    name = "native"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans: InMemorySpanExporter) -> TracerProvider:
    found = TracerProvider(shutdown_on_exit=False)
    found.add_span_processor(SimpleSpanProcessor(spans))
    return found


def judging(status: int = 200, *, known: bool = True) -> App:
    """An application that answers, with what a judged request leaves behind."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        visit = scope[VISIT]
        if known:
            visit.dialect = Spoken()
            visit.model, visit.documents, visit.tokens = "judge", 3, 120
            visit.body_ms, visit.queue_ms, visit.tokenise_ms, visit.forward_ms = 1.0, 2.0, 3.0, 40.0
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


def ask(app: App, provider: TracerProvider, *, method: str = "POST", headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        return None

    wrapped = Envelope(Traced(app, tracing=open_tracing(provider)))
    scope = {"type": "http", "method": method, "path": "/v2/rerank", "headers": list(headers)}
    asyncio.run(wrapped(scope, receive, send))


def by_name(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_request_has_its_stages_below_it(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    ask(judging(), provider, headers=((b"x-request-id", b"mine"),))
    found = by_name(spans)
    assert set(found) == {"POST /v2/rerank", "queue", "tokenise", "forward"}
    request = found["POST /v2/rerank"]
    assert request.kind is trace.SpanKind.SERVER
    assert attributes(request) == {
        "http.request.method": "POST",
        "http.route": "/v2/rerank",
        "http.response.status_code": 200,
        "adjudge.request_id": "mine",
        "adjudge.dialect": "native",
        "adjudge.model": "judge",
        "adjudge.documents": 3,
        "adjudge.tokens": 120,
    }
    at = None
    for name, milliseconds in (("queue", 2), ("tokenise", 3), ("forward", 40)):
        span = found[name]
        assert span.parent is not None
        assert span.parent.span_id == request.context.span_id
        assert span.start_time is not None
        assert span.end_time == span.start_time + milliseconds * 1_000_000
        assert at in (None, span.start_time), "one after the other"
        at = span.end_time


def test_it_goes_on_with_the_clients_trace(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    ask(judging(), provider, headers=((b"traceparent", PARENT.encode()),))
    request = by_name(spans)["POST /v2/rerank"]
    assert f"{request.context.trace_id:032x}" == PARENT.split("-")[1]
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == PARENT.split("-")[2]


def test_the_span_is_current_for_who_works(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(await asyncio.to_thread(lambda: trace.get_current_span().get_span_context().span_id))
        await judging()(scope, receive, send)

    ask(app, provider)
    assert seen == [by_name(spans)["POST /v2/rerank"].context.span_id]
    assert not trace.get_current_span().get_span_context().is_valid, "and no longer"


@pytest.mark.parametrize(("status", "code"), [(503, trace.StatusCode.ERROR), (422, trace.StatusCode.UNSET), (200, trace.StatusCode.UNSET)])
def test_errors_of_the_server_are_errors(
    provider: TracerProvider, spans: InMemorySpanExporter, status: int, code: trace.StatusCode
) -> None:
    ask(judging(status), provider)
    assert by_name(spans)["POST /v2/rerank"].status.status_code is code


def test_what_nobody_answers_has_no_route(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    ask(judging(404, known=False), provider)
    assert list(by_name(spans)) == ["POST"]
    assert "http.route" not in attributes(by_name(spans)["POST"])


def test_an_exception_goes_through_and_is_recorded(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        ask(app, provider)
    (span,) = spans.get_finished_spans()
    assert attributes(span)["http.response.status_code"] == 500
    assert [event.name for event in span.events] == ["exception"]


def test_status_pages_are_not_traced(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    ask(judging(), provider, method="GET")
    assert spans.get_finished_spans() == ()


def test_a_provider_of_the_process_is_used_and_not_closed(provider: TracerProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(provider, "shutdown", lambda: closed.append(True))
    open_tracing().close()
    assert closed == []


def test_an_own_exporter_is_set_up_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: trace.ProxyTracerProvider())
    monkeypatch.setenv("OTEL_SERVICE_NAME", "my-search")
    tracing = open_tracing()
    assert tracing._provider.resource.attributes["service.name"] == "my-search"  # type: ignore[attr-defined]
    tracing.close()


def test_a_collector_that_does_not_answer_holds_no_stop_up(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: trace.ProxyTracerProvider())
    with socket.create_server(("127.0.0.1", 0)) as probe:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{probe.getsockname()[1]}")
    tracing = open_tracing()
    tracing._tracer.start_span("lost").end()
    began = time.monotonic()
    tracing.close()
    assert time.monotonic() - began < CLOSING_S + 3
    assert "spans are lost" in caplog.text


@pytest.mark.parametrize(
    ("blocked", "package"), [("opentelemetry", "opentelemetry-sdk"), ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "otlp")]
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, blocked: str, package: str) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: trace.ProxyTracerProvider())
    monkeypatch.setitem(sys.modules, blocked, None)
    with pytest.raises(MissingExtraError, match=rf"{package}.*adjudge\[tracing\]"):
        open_tracing()


def test_nothing_is_imported_unasked() -> None:
    loaded = "[name for name in sys.modules if name.split('.')[0] in ('opentelemetry', 'prometheus_client')]"
    code = f"import adjudge.server.tracing, adjudge.server.metrics, sys; print({loaded})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
