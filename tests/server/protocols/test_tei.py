from __future__ import annotations

import json
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.server.asks import Ask
from adjudge.server.protocols.choose import TEI
from adjudge.server.protocols.dialect import STATUS, BadRequestError, Fault, FaultKind
from adjudge.server.protocols.tei import LOWEST
from tests.server.protocols.answers import ANSWER, QUERY, REFUSED, REQUEST_ID, TEXTS, best_first, plain, served

BODY = {"query": QUERY, "texts": list(TEXTS)}


def test_the_least_request() -> None:
    assert TEI.read(BODY) == Ask(query=QUERY, documents=TEXTS, echo={"texts": None, "raw_scores": False})


def test_every_field() -> None:
    ask = TEI.read(BODY | {"truncate": True, "truncation_direction": "Left", "raw_scores": True, "return_text": True})
    assert ask == Ask(
        query=QUERY,
        documents=TEXTS,
        normalize=False,
        warnings=("truncation_direction has no effect here: nothing is cut: long texts are read in windows",),
        echo={"texts": TEXTS, "raw_scores": True},
    )


@pytest.mark.parametrize("truncate", [True, False, None])
def test_truncate_needs_no_word(truncate: bool | None) -> None:
    assert TEI.read(BODY | {"truncate": truncate, "truncation_direction": "Right"}).warnings == ()


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"texts": []}, "bad_request", "texts must not be empty"),
        ({"query": ""}, "bad_request", "query must not be empty"),
        ({"texts": None}, "invalid", "texts must not be null"),
        ({"texts": "a"}, "invalid", "put it into a list"),
        ({"texts": ["a", {"text": "b"}]}, "invalid", "texts[1] must be a string, not an object"),
        ({"truncation_direction": "Up"}, "invalid", "must be one of Left, Right"),
        ({"raw_scores": "true"}, "invalid", "without quotes"),
        ({"raw_scores": 0}, "invalid", "raw_scores must be true or false, not 0"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], kind: FaultKind, words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        TEI.read(BODY | change)
    assert caught.value.fault.kind == kind
    assert words in caught.value.fault.message


def test_a_list_for_another_dialect_is_pointed_out() -> None:
    with pytest.raises(BadRequestError, match="texts is missing; it must be a list of strings"):
        TEI.read({"query": QUERY, "documents": ["a"]})


def test_the_answer_has_one_result_for_each_text() -> None:
    reply = TEI.answer(ANSWER, {"texts": None, "raw_scores": False})
    assert plain(reply) == [{"index": 2, "score": 0.75}, {"index": 3, "score": 0.25}, {"index": 1, "score": 0.0}]
    assert json.loads(reply.headers["X-Adjudge-Warnings"]) == ["said before", REFUSED]


@pytest.mark.parametrize("raw", [True, False])
def test_texts_come_back_where_they_are_asked_for(raw: bool, word_judge: Reranker) -> None:
    body = plain(served(TEI, BODY | {"return_text": True, "raw_scores": raw}, word_judge))
    assert sorted(r["index"] for r in body) == [0, 1, 2, 3]
    assert [r["text"] for r in body] == [TEXTS[r["index"]] for r in body]
    assert best_first([r["score"] for r in body])
    assert body[-1] == {"index": 1, "score": LOWEST if raw else 0.0, "text": "   "}


TYPES = {
    "unauthorized": "Unauthorized",
    "overloaded": "Overloaded",
    "backend": "Backend",
    "timeout": "Backend",
    "client_gone": "Backend",
    "not_ready": "Unhealthy",
}


@pytest.mark.parametrize("kind", STATUS)
def test_errors(kind: FaultKind) -> None:
    reply = TEI.fault(Fault(kind=kind, message="why", retry_after=3), REQUEST_ID)
    assert plain(reply) == {"error": "why", "error_type": TYPES.get(kind, "Validation")}
    assert reply.status == (424 if kind == "backend" else STATUS[kind])
    assert reply.headers == {"Retry-After": "3"}


def test_nothing_sent_is_called_empty() -> None:
    with pytest.raises(BadRequestError) as caught:
        TEI.read(BODY | {"texts": []})
    reply = TEI.fault(caught.value.fault, REQUEST_ID)
    assert (reply.status, plain(reply)["error_type"]) == (400, "Empty")
