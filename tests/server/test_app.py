"""The application as clients meet it: every path, every header, and no answer in a shape that is not the dialect's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from adjudge import Reranker, __version__
from adjudge.errors import MissingExtraError, ModelFilesError
from adjudge.monitor import Origin, make_reference, write_reference
from adjudge.server.app import create_app
from adjudge.server.metrics import Metrics
from adjudge.server.protocols.choose import ROUTES
from adjudge.server.settings import ModelSource, Settings
from adjudge.server.tracing import open_tracing
from tests.server.serving import PATIENCE_S, Live, Serve, serving, until

PATHS = tuple(route.path for route in ROUTES)


def said(response: httpx.Response) -> str:
    """The message of a native fault."""
    found: str = response.json()["error"]["message"]
    return found


# What the server says of itself


def test_alive_ready_and_what_it_is(live_server: Live) -> None:
    assert live_server.get("/health").json() == {"status": "ok"}
    assert live_server.get("/ready").json() == {"ready": True, "models": [{"name": "quick", "state": "ready", "error": None}]}
    info = live_server.get("/info").json()
    assert (info["name"], info["version"], info["default_model"]) == ("adjudge", __version__, "quick")
    (model,) = info["models"]
    assert {"backend": "fake", "device": "cpu", "precision": "f32", "state": "ready", "fallback": None}.items() <= model.items()
    assert model["max_length"] > 0
    assert model["notes"] == ["fake: scores are word overlap, not a model's judgement."]
    assert info["limits"]["max_documents"] == 10_000
    assert info["paths"] == list(PATHS)
    assert {"python", "fastapi", "uvicorn", "adjudge"} <= set(info["versions"])


def test_what_teis_clients_ask_first(live_server: Live) -> None:
    assert live_server.get("/tei/health").status_code == 200
    info = live_server.get("/tei/info").json()
    assert "reranker" in info["model_type"], "Dify's plugin looks for it"
    assert (info["served_model_name"], info["model_dtype"], info["max_client_batch_size"]) == ("quick", "float32", 10_000)
    assert info["max_input_length"] == live_server.get("/info").json()["models"][0]["max_length"]


def test_head_is_answered_like_get(live_server: Live) -> None:
    response = httpx.head(live_server.url + "/health", verify=False, timeout=PATIENCE_S)
    assert (response.status_code, response.content) == (200, b"")


def test_monitor_and_metrics(live_server: Live) -> None:
    before = live_server.metric("adjudge_requests_total")
    assert live_server.rank().status_code == 200
    assert live_server.post("/score", json={"queries": "a", "documents": ["a b", "b"]}).status_code == 200
    assert live_server.metric("adjudge_requests_total") == before + 2
    shown = live_server.get("/monitor").json()
    (model,) = [one for one in shown["models"] if one["name"] == "quick"]
    assert model["pairs"] >= 4, "those of /score count as well"
    assert shown["queue"] == {"pairs": 0, "requests": 0, "max_pairs": 20_000}
    assert shown["uptime_s"] > 0
    assert live_server.get("/metrics").headers["content-type"].startswith("text/plain")


def test_stages_are_measured(live_server: Live) -> None:
    live_server.rank()
    text = live_server.get("/metrics").text
    assert {"body", "queue", "tokenise", "forward", "render"} <= set(re.findall(r'adjudge_stage_seconds_count\{stage="(\w+)"', text))


def test_the_page_is_served(live_server: Live) -> None:
    page = live_server.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "content-security-policy" in page.headers
    assert page.headers["x-request-id"]


def test_no_documents_that_need_a_cdn(live_server: Live) -> None:
    assert live_server.get("/docs").status_code == live_server.get("/redoc").status_code == 404


# Judging


@pytest.mark.parametrize("path", PATHS)
def test_the_examples_of_every_path_run(live_server: Live, path: str) -> None:
    described = live_server.get("/openapi.json").json()["paths"][path]["post"]
    examples = described["requestBody"]["content"]["application/json"]["examples"]
    assert examples
    for name, example in examples.items():
        response = live_server.post(path, json=example["value"])
        assert response.status_code == 200, (name, response.text)


def test_a_ranking(live_server: Live) -> None:
    answer = live_server.rank("red apples", ["bread", {"text": "red apples", "id": "a1", "shelf": 3}, None, " "], return_similarity=False)
    found = answer.json()
    assert [r["index"] for r in found["ranked_results"]] == [1, 0]
    assert (found["ranked_results"][0]["id"], found["ranked_results"][0]["metadata"]) == ("a1", {"shelf": 3})
    assert [r["index"] for r in found["refused"]] == [2, 3]
    assert found["model"] == "quick"
    assert found["request_id"] == answer.headers["x-request-id"]
    timings = found["timings"]
    assert timings["total_ms"] >= timings["queue_ms"] >= 0


def test_timing_headers(live_server: Live) -> None:
    found = live_server.rank()
    names = ("x-total-time", "x-queue-time", "x-tokenization-time", "x-inference-time", "x-compute-tokens")
    assert all(re.fullmatch(r"\d+", found.headers[name]) for name in names), "whole numbers, as in TEI"
    assert int(found.headers["x-compute-tokens"]) == found.json()["usage"]["tokens"]
    assert re.fullmatch(r"queue;dur=[\d.]+, tokenise;dur=[\d.]+, forward;dur=[\d.]+, total;dur=[\d.]+", found.headers["server-timing"])
    assert "x-total-time" in live_server.get("/health").headers
    assert "x-queue-time" not in live_server.get("/health").headers


@pytest.mark.parametrize("given", ["abc-123", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a" * 128])
def test_a_sane_request_id_is_kept(live_server: Live, given: str) -> None:
    for response in (live_server.get("/health", headers={"X-Request-Id": given}), live_server.get("/no", headers={"X-Request-Id": given})):
        assert response.headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", ["", "a" * 129, "a b", 'a"b', "a,b", "<script>", "\u00e9".encode("latin-1")])
def test_another_one_is_replaced(live_server: Live, given: str | bytes) -> None:
    response = live_server.get("/health", headers={b"X-Request-Id": given if isinstance(given, bytes) else given.encode()})
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


def test_truncation_is_told_in_a_header_where_the_body_has_no_place(live_server: Live) -> None:
    body = {"query": "red", "documents": ["red " * 50, "blue"], "max_tokens_per_doc": 5}
    told = live_server.post("/vllm/rerank", json=body).headers["x-adjudge-warnings"]
    assert "1 of 2 documents have more than 5 tokens" in json.loads(told)[0]
    assert "have more than 5 tokens" in live_server.post("/rerank", json=body).json()["warnings"][0]
    assert "have more than 5 tokens" in live_server.post("/v2/rerank", json={**body, "model": "quick"}).json()["meta"]["warnings"][0]
    assert "x-adjudge-warnings" not in live_server.post("/tei/rerank", json={"query": "a", "texts": ["b"]}).headers


def test_many_documents_are_read_and_rendered_off_the_loop(live_server: Live) -> None:
    """Over the sizes at which threads take over, and with the same answer."""
    documents = [{"text": f"red apple number {i}", "metadata": {"weight": "x" * 50}} for i in range(2000)]
    found = live_server.rank("red apple 7", documents)
    assert len(found.request.content) > 64 * 2**10
    assert len(found.json()["ranked_results"]) == 2000


def test_nothing_to_rank(live_server: Live) -> None:
    assert live_server.rank("red", []).json()["ranked_results"] == []


# Models


def test_several_models(serve: Serve, quick_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.symlink_to(quick_folder)
    models = (("first", quick_folder), ("again", quick_folder), ("second", copy))
    settings = Settings(models=tuple(ModelSource(name=n, source=str(s)) for n, s in models), options={"backend": "fake"})
    live = serve(settings=settings)
    assert [(m["name"], m["aliases"]) for m in live.get("/info").json()["models"]] == [("first", ["again"]), ("second", [])]
    for asked, answered in ((None, "first"), ("first", "first"), ("again", "again"), ("second", "second")):
        assert live.rank(model=asked).json()["model"] == answered
    assert "first, again, second" in said(live.rank(model="third"))
    assert {m["name"]: m["requests"] for m in live.get("/monitor").json()["models"]}["first"] == 3


def test_one_model_fails_and_the_others_serve(serve: Serve, quick_folder: Path) -> None:
    def opener(source: str, **options: Any) -> Reranker:
        if source == "broken":
            raise ModelFilesError("/secret/place/model.safetensors is truncated")
        return Reranker(quick_folder, backend="fake")

    models = (ModelSource(name="broken", source="broken"), ModelSource(name="good", source="good"))
    live = serve(settings=Settings(models=models), ready=False, app={"opener": opener})
    until(lambda: [model.state for model in live.service.registry] == ["failed", "ready"])
    ready = live.get("/ready")
    assert ready.status_code == 503
    assert ready.json()["models"][0] == {"name": "broken", "state": "failed", "error": "ModelFilesError"}
    assert "truncated" in live.get("/info").json()["models"][0]["error"]
    refused = live.rank()
    assert (refused.status_code, refused.json()["error"]["kind"]) == (503, "not_ready")
    assert "retry-after" not in refused.headers
    assert live.rank(model="good").status_code == 200


def test_before_the_models_are_there(serve: Serve, quick_folder: Path) -> None:
    go_on = threading.Event()

    def slow(source: str, **options: Any) -> Reranker:
        assert go_on.wait(PATIENCE_S)
        return Reranker(quick_folder, backend="fake")

    live = serve(settings=Settings(), ready=False, app={"opener": slow})
    try:
        assert live.get("/health").status_code == 200
        assert live.get("/ready").json()["models"][0]["state"] in ("waiting", "loading")
        refused = live.rank()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert live.get("/info").json()["models"][0]["state"] == "loading"
    finally:
        go_on.set()


# Browsers of other origins


def test_cors_is_off(live_server: Live) -> None:
    response = live_server.get("/health", headers={"Origin": "https://example.com"})
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_cors_for_one_origin(serve: Serve) -> None:
    live = serve(cors_origins=("https://example.com",))
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = httpx.options(live.url + "/rerank", headers=asked, verify=False, timeout=PATIENCE_S)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://example.com")
    other = httpx.options(live.url + "/rerank", headers={**asked, "Origin": "https://evil.example"}, verify=False, timeout=PATIENCE_S)
    assert "access-control-allow-origin" not in other.headers
    answer = live.post("/rerank", content=b"{", headers={"Origin": "https://example.com"})
    assert answer.headers["access-control-allow-origin"] == "https://example.com", "faults too can be read"
    assert "x-request-id" in answer.headers["access-control-expose-headers"]


# OpenAPI


def test_the_description_is_complete(live_server: Live) -> None:
    described = live_server.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) == {*PATHS, "/health", "/ready", "/info", "/monitor", "/metrics", "/tei/health", "/tei/info"}
    ids = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]
    assert len(set(ids)) == len(ids)
    for path in PATHS:
        operation = described["paths"][path]["post"]
        assert operation["requestBody"]["required"]
        assert {"200", "408", "413", "415", "429", "503", "504"} <= set(operation["responses"]), path
        assert all("X-Request-Id" in response["headers"] for response in operation["responses"].values())
        assert "security" not in operation
    assert "quick" in json.dumps(described), "examples name a model that is there"
    assert live_server.get("/openapi.json").json() == described


# Without the extra


def test_without_fastapi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(MissingExtraError, match=r"adjudge\[server\]"):
        create_app()


def test_importing_the_service_loads_no_framework() -> None:
    heavy = ("fastapi", "starlette", "uvicorn", "pydantic", "prometheus_client", "openvino", "torch", "opentelemetry")
    code = (
        "import sys, adjudge, adjudge.server.app, adjudge.server.run, adjudge.cli.serve;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert done.stdout.strip() == "[]"


# The shipped model


def test_the_shipped_model_behind_http(embedded: Reranker) -> None:
    """The same numbers as from the library, and similarities beside them."""
    query = "What do pandas eat?"
    documents = ["The stock market fell.", "大熊猫主要吃竹子。", "Giant pandas feed almost only on bamboo."]
    with serving(Settings(options={"backend": "openvino"})) as live:
        answer = live.rank(query, documents, return_similarity=True, explain=1).json()
        wanted = embedded.rank(query, documents)
        assert [r["index"] for r in answer["ranked_results"]] == [r.index for r in wanted]
        assert [r["logit"] for r in answer["ranked_results"]] == pytest.approx([r.logit for r in wanted], abs=0.1)
        assert all(-1 <= r["similarity"] <= 1 for r in answer["ranked_results"])
        assert answer["ranked_results"][0]["explanation"]["sentences"] is not None
        assert answer["revision"] == wanted.revision
        model = live.get("/info").json()["models"][0]
        assert (model["model"], model["backend"], model["aliases"]) == ("embedded", "openvino", [])


def test_drift_is_told_against_a_baseline(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    origin = Origin(model="m", revision="1", score_type="sigmoid")
    write_reference(file, make_reference([[0.9, 0.2, 0.1], [0.8, 0.3, 0.05], [0.7, 0.4, 0.2]] * 400, origin=origin))
    live = serve(baselines={"quick": file})
    live.rank()
    (model,) = live.get("/monitor").json()["models"]
    assert model["drift"]["drifting"] is False
    assert model["drift"]["reference"]["model"] == "m"


def test_spans_are_made_where_they_are_asked_for(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("adjudge.server.app.open_tracing", lambda: open_tracing(provider))
    live = serve(tracing=True)
    live.rank()
    live.get("/health")
    until(lambda: any(span.name == "POST /rerank" for span in exporter.get_finished_spans()))
    assert sorted(span.name for span in exporter.get_finished_spans()) == ["POST /rerank", "forward", "queue", "tokenise"]


def test_batches_are_counted(serve: Serve) -> None:
    live = serve()
    live.rank("red", ["red apples", "bread"])
    lines = dict(line.rsplit(" ", 1) for line in live.get("/metrics").text.splitlines() if not line.startswith("#"))
    assert float(lines["adjudge_batch_rows_sum"]) == 2, "the warm-up is no traffic"
    assert 0 < float(lines["adjudge_batch_fill_ratio_sum"]) <= 1


def test_metrics_can_be_handed_in(serve: Serve) -> None:
    own = Metrics()
    live = serve(app={"metrics": own})
    live.rank()
    until(lambda: own.snapshot()["models"][0]["requests"] > 0)  # counted when the answer is out
    assert own.snapshot()["models"][0]["requests"] == 1
