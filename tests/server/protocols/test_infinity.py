from __future__ import annotations

import json
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.server.asks import Ask
from adjudge.server.protocols.choose import INFINITY
from adjudge.server.protocols.dialect import STATUS, BadRequestError, Fault, FaultKind
from tests.server.protocols.answers import ANSWER, QUERY, REFUSED, REQUEST_ID, TEXTS, best_first, plain, served

BODY = {"query": QUERY, "documents": list(TEXTS)}


def test_the_least_request() -> None:
    assert INFINITY.read(BODY) == Ask(query=QUERY, documents=TEXTS, echo={"return_documents": False})


def test_every_field() -> None:
    ask = INFINITY.read(BODY | {"model": "m", "top_n": 2, "raw_scores": True, "return_documents": True})
    assert ask == Ask(query=QUERY, documents=TEXTS, model="m", top_n=2, normalize=False, echo={"return_documents": True})


def test_the_model_that_nobody_chose() -> None:
    assert INFINITY.read(BODY | {"model": "default/not-specified"}).model is None


@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"query": " "}, "query", "must not be empty"),
        ({"documents": []}, "documents", "must not be empty"),
        ({"documents": ["a", {"text": "b"}]}, "documents", "documents[1] must be a string"),
        ({"top_n": 0}, "top_n", "1 or more, not 0"),
        ({"raw_scores": 1}, "raw_scores", "true or false"),
    ],
)
def test_what_is_wrong_is_named_as_fastapi_does(change: dict[str, Any], param: str, words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        INFINITY.read(BODY | change)
    reply = INFINITY.fault(caught.value.fault, REQUEST_ID)
    detail = plain(reply)["detail"]
    assert reply.status == 422
    assert [(d["type"], d["loc"]) for d in detail] == [("value_error", ["body", param])]
    assert words in detail[0]["msg"]


def test_the_answer() -> None:
    reply = INFINITY.answer(ANSWER, {"return_documents": True})
    assert plain(reply) == {
        "object": "rerank",
        "results": [
            {"relevance_score": 0.75, "index": 2, "document": "Pandas eat bamboo."},
            {"relevance_score": 0.25, "index": 3, "document": "Bamboo is a grass."},
        ],
        "model": "embedded",
        "usage": {"prompt_tokens": 40, "total_tokens": 40},
        "id": "infinity-req-1",
        "created": 1_700_000_000,
    }
    assert json.loads(reply.headers["X-Adjudge-Warnings"]) == ["said before", REFUSED]


def test_raw_scores_are_logits(word_judge: Reranker) -> None:
    scores = [r["relevance_score"] for r in plain(served(INFINITY, BODY | {"raw_scores": True}, word_judge))["results"]]
    assert best_first(scores)
    assert scores[-1] < 0
    assert all("document" not in r for r in plain(served(INFINITY, BODY, word_judge))["results"])


@pytest.mark.parametrize("kind", STATUS)
def test_errors(kind: FaultKind) -> None:
    reply = INFINITY.fault(Fault(kind=kind, message="why", retry_after=3), REQUEST_ID)
    status = {"bad_request": 422, "not_found": 400}.get(kind, STATUS[kind])
    expected: dict[FaultKind, Any] = {
        "unauthorized": {"detail": "Unauthorized"},
        "bad_request": {"detail": [{"type": "value_error", "loc": ["body"], "msg": "why"}]},
        "invalid": {"detail": [{"type": "value_error", "loc": ["body"], "msg": "why"}]},
    }
    assert plain(reply) == expected.get(kind, {"error": {"message": "why", "type": None, "param": None, "code": status}})
    assert (reply.status, reply.headers) == (status, {"Retry-After": "3"})
