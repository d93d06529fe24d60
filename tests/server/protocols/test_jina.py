from __future__ import annotations

import json
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.server.asks import Ask
from adjudge.server.protocols.choose import COMMON, JINA
from adjudge.server.protocols.dialect import STATUS, BadRequestError, Fault, FaultKind
from adjudge.server.protocols.jina import Common, Jina
from tests.server.protocols.answers import ANSWER, QUERY, REFUSED, REQUEST_ID, TEXTS, plain, served

BODY = {"model": "embedded", "query": QUERY, "documents": list(TEXTS)}
BOTH = pytest.mark.parametrize("dialect", [JINA, COMMON], ids=lambda d: d.name)

RESULTS = [
    {"index": 2, "relevance_score": 0.75, "document": {"text": "Pandas eat bamboo."}},
    {"index": 3, "relevance_score": 0.25, "document": {"text": "Bamboo is a grass."}},
]
USAGE = {"prompt_tokens": 40, "total_tokens": 40}


@BOTH
def test_the_least_request(dialect: Jina | Common) -> None:
    ask = dialect.read({"query": QUERY, "documents": list(TEXTS)})
    assert ask == Ask(query=QUERY, documents=TEXTS, echo={"documents": TEXTS})


def test_every_field() -> None:
    documents = ["a", {"text": "b"}, {"image": "https://example.org/a.png"}]
    ask = JINA.read(
        {
            "model": "embedded",
            "query": QUERY,
            "documents": documents,
            "top_n": 2,
            "return_documents": False,
            "truncation": False,
            "max_doc_length": 512,
            "max_query_length": 64,
            "return_embeddings": True,
        }
    )
    assert ask == Ask(
        query=QUERY,
        documents=tuple(documents),
        model="embedded",
        top_n=2,
        max_tokens_per_doc=512,
        warnings=(
            "max_query_length has no effect here: the query is read whole, as far as the model can",
            "return_embeddings has no effect here: a judge makes no embeddings",
        ),
        echo={"documents": None},
    )


@pytest.mark.parametrize("truncation", [True, False, None])
def test_truncation_needs_no_word(truncation: bool | None) -> None:
    assert JINA.read(BODY | {"truncation": truncation}).warnings == ()


@BOTH
@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"query": " "}, "query", "must not be empty"),
        ({"documents": []}, "documents", "must not be empty; send at least one"),
        ({"documents": {"text": "a"}}, "documents", "put it into a list"),
        ({"top_n": 0}, "top_n", "1 or more"),
        ({"top_n": 2.5}, "top_n", "whole number"),
        ({"return_documents": "yes"}, "return_documents", "true or false"),
        ({"model": 3}, "model", "must be a string"),
    ],
)
def test_what_is_wrong_is_named(dialect: Jina | Common, change: dict[str, Any], param: str, words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        dialect.read(BODY | change)
    assert caught.value.fault.param == param
    assert words in caught.value.fault.message


def test_the_answer() -> None:
    reply = JINA.answer(ANSWER, {"documents": TEXTS})
    assert plain(reply) == {"model": "embedded", "object": "list", "usage": USAGE, "results": RESULTS}
    assert json.loads(reply.headers["X-Adjudge-Warnings"]) == ["said before", REFUSED]


def test_the_common_answer_has_what_each_of_them_looks_for() -> None:
    reply = COMMON.answer(ANSWER, {"documents": TEXTS})
    assert plain(reply) == {
        "id": REQUEST_ID,
        "model": "embedded",
        "object": "list",
        "results": RESULTS,
        "usage": USAGE,
        "meta": {
            "api_version": {"version": "1", "is_deprecated": False, "is_experimental": False},
            "billed_units": {"search_units": 1},
            "tokens": {"input_tokens": 40, "output_tokens": 0},
            "warnings": ["said before", REFUSED],
        },
    }
    assert (reply.status, dict(reply.headers)) == (200, {})


@BOTH
def test_documents_stay_away_where_they_are_not_wanted(dialect: Jina | Common, word_judge: Reranker) -> None:
    body = plain(served(dialect, BODY | {"return_documents": False}, word_judge))
    assert [set(r) for r in body["results"]] == [{"index", "relevance_score"}] * 3


def test_an_image_is_left_out_alone(word_judge: Reranker) -> None:
    reply = served(JINA, BODY | {"documents": ["pandas", {"image": "x"}, {"text": "eat"}]}, word_judge)
    assert sorted(r["index"] for r in plain(reply)["results"]) == [0, 2]
    assert 'no key "text" but image' in json.loads(reply.headers["X-Adjudge-Warnings"])[0]


@pytest.mark.parametrize("kind", STATUS)
def test_errors(kind: FaultKind) -> None:
    fault = Fault(kind=kind, message="why", param="top_n", retry_after=3)
    reply = JINA.fault(fault, REQUEST_ID)
    assert plain(reply) == {"detail": "why"}
    assert reply.status == (422 if kind == "bad_request" else STATUS[kind])
    assert reply.headers == {"Retry-After": "3"}


@pytest.mark.parametrize("kind", STATUS)
def test_common_errors_can_be_read_by_all(kind: FaultKind) -> None:
    reply = COMMON.fault(Fault(kind=kind, message="why", param="top_n"), REQUEST_ID)
    body = plain(reply)
    assert (body["message"], body["detail"], body["error"]["message"]) == ("why", "why", "why")
    assert body["error"]["param"] == "top_n"
    assert body["error"]["code"] == reply.status == STATUS[kind]
