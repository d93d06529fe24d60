"""What clients are told when something is wrong, in the words of the dialect; and what the log is told of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from adjudge.server.asks import Answer, PairsAnswer
from adjudge.server.protocols.choose import ROUTES
from adjudge.server.protocols.dialect import Dialect, Reply
from adjudge.server.settings import Limits, LogSettings
from tests.server.serving import Live, Serve, until

PATHS = tuple(route.path for route in ROUTES)
FAULT = {  # what tells a fault of each dialect
    "native": lambda body: set(body) == {"error"} and {"kind", "message", "request_id"} <= set(body["error"]),
    "cohere-v1": lambda body: isinstance(body["message"], str),
    "cohere-v2": lambda body: isinstance(body["message"], str) and "id" in body,
    "jina": lambda body: isinstance(body["detail"], str),
    "tei": lambda body: set(body) == {"error", "error_type"},
    "vllm-rerank": lambda body: {"message", "type", "param", "code"} <= set(body["error"]),
    "vllm-score": lambda body: {"message", "type", "param", "code"} <= set(body["error"]),
    "infinity": lambda body: (
        "message" in body["error"] if "error" in body else [set(one) for one in body["detail"]] == [{"type", "loc", "msg"}]
    ),
}


# What cannot be answered

BODIES = {
    "nothing": b"",
    "no json": b"{",
    "no object": b"[]",
    "not utf-8": b'{"query": "\xff"}',
    "nan": b'{"query": "a", "documents": ["b"], "texts": ["b"], "top_n": NaN}',
    "infinity": b'{"query": "a", "documents": ["b"], "texts": ["b"], "threshold": -Infinity}',
    "twice": b'{"query": "a", "query": "b", "documents": ["b"], "texts": ["b"]}',
    "deep": b'{"query": "a", "documents": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "empty": b"{}",
    "wrong types": b'{"query": 3, "documents": {"a": "b"}, "texts": "b", "queries": 5, "model": []}',
    "an unknown model": b'{"model": "nobody", "query": "a", "documents": ["b"], "queries": "a"}',
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in BODIES.items()])
def test_every_fault_is_in_the_shape_of_the_path(live_server: Live, path: str, body: bytes) -> None:
    response = live_server.post(path, content=body)
    assert 400 <= response.status_code < 500
    default = next(route.default.name for route in ROUTES if route.path == path)
    shape = FAULT.get(default, FAULT["jina"])  # the common one of /v1/rerank says the same under three names
    assert shape(response.json()), response.text
    assert "input_value" not in response.text, "pydantic's own words must not leak"


def test_half_a_surrogate_pair_is_one_documents_matter(live_server: Live) -> None:
    found = live_server.post(
        "/rerank", content=b'{"query": "red \\ud800", "documents": ["red", "\\udfff red", {"text": "x", "id": "\\ud800"}]}'
    )
    assert found.status_code == 200
    assert {r["index"] for r in found.json()["ranked_results"]} == {0, 1, 2}
    refused = live_server.post("/rerank", content=b'{"query": "a", "documents": ["b"], "model": "\\ud800"}')
    assert refused.status_code == 404
    assert "\\ud800" in refused.text


def test_an_unknown_model_is_told_the_known_ones(live_server: Live) -> None:
    refused = live_server.rank(model="nobody")
    assert (refused.status_code, refused.json()["error"]["param"]) == (404, "model")
    assert "quick" in refused.json()["error"]["message"]


def test_more_documents_than_the_limit(serve: Serve) -> None:
    live = serve(limits=Limits(documents=2000))
    assert len(live.rank("a", ["a"] * 2000).json()["ranked_results"]) == 2000
    refused = live.rank("a", ["a"] * 2001)
    assert (refused.status_code, refused.json()["error"]["kind"]) == (413, "too_large")
    assert live.post("/score", json={"queries": "a", "documents": ["a"] * 2001}).status_code == 413


def test_nowhere_and_the_wrong_way(live_server: Live) -> None:
    nowhere = live_server.get("/nowhere")
    assert (nowhere.status_code, nowhere.json()["error"]["kind"]) == (404, "not_found")
    assert FAULT["tei"](live_server.post("/tei/embed", json={}).json())
    assert FAULT["cohere-v2"](live_server.post("/v2/embed", json={}).json())
    wrong = live_server.get("/rerank")
    assert (wrong.status_code, wrong.headers["allow"], wrong.json()["error"]["kind"]) == (405, "POST", "method_not_allowed")
    assert live_server.post("/health").headers["allow"].replace(" ", "") in ("GET,HEAD", "HEAD,GET")
    assert live_server.post("/rerank/", json={}).status_code == 404, "no redirect, which clients would not follow with a body"


class Broken:
    """A dialect with a bug where it renders."""

    name = "broken"

    def __init__(self, inner: Dialect) -> None:
        self._inner = inner

    def read(self, body: Mapping[str, Any]) -> Any:
        return self._inner.read(body)

    def answer(self, answer: Answer | PairsAnswer, echo: Mapping[str, Any]) -> Reply:
        raise ZeroDivisionError("secret text of a client")

    def fault(self, fault: Any, request_id: str) -> Reply:
        return self._inner.fault(fault, request_id)


class BrokenRoute:
    path = "/rerank"
    default = Broken(ROUTES[0].default)

    def choose(self, body: Mapping[str, Any]) -> Dialect:
        return self.default

    def schema(self, model: str = "") -> dict[str, Any]:
        return ROUTES[0].schema(model)


def test_a_bug_is_a_500_in_the_dialects_shape(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    live = serve(app={"routes": [BrokenRoute()]})
    response = live.rank()
    assert (response.status_code, response.json()["error"]["kind"]) == (500, "backend")
    assert "ZeroDivisionError" in response.json()["error"]["message"]
    assert "secret" not in response.text
    assert response.headers["x-request-id"] == response.json()["error"]["request_id"]
    until(lambda: "Traceback" in caplog.text)  # behind the answer; whoever runs the server must find it
    assert live.metric("adjudge_requests_total") == 1
    assert live.rank().status_code == 500, "and the server goes on"
    assert live.get("/monitor").json()["queue"]["requests"] == 0


def test_a_page_of_another_origin_may_read_of_a_bug(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    live = serve(cors_origins=("https://a.example",), app={"routes": [BrokenRoute()]})
    response = live.post("/rerank", json={"query": "a", "documents": ["b"]}, headers={"origin": "https://a.example"})
    assert (response.status_code, response.json()["error"]["kind"]) == (500, "backend")
    assert response.headers["access-control-allow-origin"] == "https://a.example"
    assert response.headers["x-request-id"] == response.json()["error"]["request_id"]
    until(lambda: "Traceback" in caplog.text)


# What holds no text


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (7, "a number"),
        (1.5, "a number"),
        (True, "true"),
        (None, "null"),
        (["a"], "a list"),
        ({"text": 5}, "an object whose text is a number"),
        ({"text": None, "id": "x"}, "an object whose text is null"),
        ({"text": {"text": "a"}}, "an object whose text is an object"),
    ],
)
def test_what_is_no_text_is_told_in_jsons_words(live_server: Live, document: Any, said: str) -> None:
    (refused,) = live_server.rank("red", ["red apples", document]).json()["refused"]
    assert refused == {"index": 1, "reason": "not_text", "message": f"document 1 is no text but {said}"}
    warned = live_server.post("/v1/rerank", json={"model": "quick", "query": "red", "documents": ["red apples", document]})
    assert "Python" not in warned.text
    assert "NoneType" not in warned.text


# The log

SECRET = "zebras eat confidential grass"


@pytest.mark.parametrize(
    ("log", "lines", "texts"),
    [(LogSettings(), False, False), (LogSettings(access=True), True, False), (LogSettings(texts=True), True, True)],
)
def test_texts_are_logged_only_where_it_was_asked_for(
    serve: Serve, caplog: pytest.LogCaptureFixture, log: LogSettings, lines: bool, texts: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    live = serve(log=log)
    live.rank(SECRET, [SECRET + " a", {"text": SECRET + " b"}])
    live.post("/score", json={"queries": SECRET, "documents": [SECRET]})
    live.rank(SECRET, [SECRET], threshold=SECRET)
    live.post("/rerank", content=json.dumps({"query": SECRET, "documents": [SECRET]}).encode() + b"x")
    live.get(f"/{SECRET.split()[0]}?query={SECRET}")
    server_side = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore")))
    assert ("POST /rerank 200" in server_side) is lines
    assert ("confidential" in server_side) is texts


def test_a_log_line_cannot_be_forged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="adjudge")
    live = serve(log=LogSettings(texts=True))
    live.rank("a\nERROR forged\x1b[31m", ["b\u2028c"])
    asks = [record.getMessage() for record in caplog.records if " asks " in record.getMessage()]
    assert len(asks) == 1
    assert asks[0].isprintable()
    assert "\\nERROR forged\\u001b" in asks[0]


@pytest.mark.parametrize("odd", [7, None, [], {"text": 5}])
def test_a_document_that_is_none_is_logged_and_refused_alone(serve: Serve, odd: Any) -> None:
    live = serve(log=LogSettings(texts=True))
    answer = live.rank("red", ["red apples", odd])
    assert answer.status_code == 200
    assert [one["index"] for one in answer.json()["refused"]] == [1]


def test_a_request_is_received_and_answered_under_one_name(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    live = serve(log=LogSettings(texts=True))
    monkeypatch.setattr("adjudge.server.endpoint.log_texts", fail)
    assert live.rank().status_code == 500
    lines = [line for line in live.get("/metrics").text.splitlines() if line.startswith("adjudge_requests_") and "_total{" in line]
    assert sorted(lines) == [
        'adjudge_requests_received_total{dialect="native",model="quick"} 1.0',
        'adjudge_requests_total{dialect="native",model="quick",status="500"} 1.0',
    ]
