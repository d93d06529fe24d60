from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.server.asks import Ask
from adjudge.server.protocols.choose import COHERE_V1, COHERE_V2
from adjudge.server.protocols.cohere import CohereV1, CohereV2, compose
from adjudge.server.protocols.dialect import STATUS, BadRequestError, Fault, FaultKind
from adjudge.types import Document
from tests.server.protocols.answers import ANSWER, QUERY, RANKING, REFUSED, REQUEST_ID, TEXTS, plain, served

BODY = {"model": "embedded", "query": QUERY, "documents": list(TEXTS)}
BOTH = pytest.mark.parametrize("dialect", [COHERE_V1, COHERE_V2], ids=lambda d: d.name)


@BOTH
def test_the_least_request(dialect: CohereV1 | CohereV2) -> None:
    assert dialect.read(BODY) == Ask(query=QUERY, documents=TEXTS, model="embedded", echo={"documents": None})


def test_every_field_of_v1() -> None:
    documents = ["a", {"title": "B", "text": "b"}, {"text": "c"}]
    ask = COHERE_V1.read(
        BODY | {"documents": documents, "top_n": 9, "rank_fields": ["title", "text"], "return_documents": True, "max_chunks_per_doc": 10}
    )
    assert ask == Ask(
        query=QUERY,
        documents=("a", Document("title: B\ntext: b"), Document("text: c")),
        model="embedded",
        top_n=9,
        windows={"max_windows": 10},
        echo={"documents": tuple(documents)},
    )


def test_every_field_of_v2() -> None:
    ask = COHERE_V2.read(BODY | {"top_n": 9, "max_tokens_per_doc": 4096, "priority": 3, "return_documents": True})
    assert ask == Ask(
        query=QUERY,
        documents=TEXTS,
        model="embedded",
        top_n=9,
        max_tokens_per_doc=4096,
        warnings=("priority has no effect here: every request has the same",),
        echo={"documents": TEXTS},
    )


def test_v1_needs_no_model() -> None:
    assert COHERE_V1.read({"query": QUERY, "documents": ["a"]}).model is None


@pytest.mark.parametrize(
    ("document", "fields", "text"),
    [
        ({"title": "A", "text": "b"}, ["title"], "A"),
        ({"title": "A", "text": "b"}, ["text", "title"], "text: b\ntitle: A"),
        ({"year": 1999, "tags": ["x"], "no": None}, ["year", "tags", "no"], 'year: 1999\ntags: ["x"]'),
        ({"text": "b"}, ["title"], ""),
        ({"text": "b"}, [], ""),
    ],
)
def test_rank_fields_say_what_is_judged(document: dict[str, Any], fields: list[str], text: str) -> None:
    assert compose(document, fields) == Document(text)


def test_without_rank_fields_documents_stay_as_they_are() -> None:
    given = {"title": "A", "text": "b"}
    assert compose(given, None) is given
    assert compose("b", ["title"]) == "b"
    assert compose(3, ["title"]) == 3


@BOTH
@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"query": " "}, "bad_request", "query must not be empty or be only whitespace"),
        ({"query": 1}, "invalid", "query must be a string, not 1"),
        ({"query": None}, "bad_request", "query must not be null"),
        ({"documents": []}, "bad_request", "list of documents must not be empty"),
        ({"documents": "a"}, "invalid", "put it into a list"),
        ({"top_n": 0}, "bad_request", "top_n must be a whole number of 1 or more, not 0"),
        ({"top_n": "2"}, "invalid", "without quotes"),
        ({"return_documents": 1}, "invalid", "return_documents must be true or false"),
    ],
)
def test_what_is_wrong_is_named(dialect: CohereV1 | CohereV2, change: dict[str, Any], kind: FaultKind, words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        dialect.read(BODY | change)
    assert caught.value.fault.kind == kind
    assert words in caught.value.fault.message


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"model": None}, "bad_request", "model must not be null"),
        ({"documents": [{"text": "a"}]}, "invalid", "documents[0] must be a string, not an object"),
        ({"documents": ["a", None]}, "invalid", "documents[1] must be a string, not null"),
        ({"max_tokens_per_doc": 0}, "bad_request", "max_tokens_per_doc"),
    ],
)
def test_v2_is_stricter(change: dict[str, Any], kind: FaultKind, words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        COHERE_V2.read(BODY | change)
    assert caught.value.fault.kind == kind
    assert words in caught.value.fault.message


def test_v1_takes_a_bad_document_for_itself(word_judge: Reranker) -> None:
    body = plain(served(COHERE_V1, BODY | {"documents": ["pandas eat", None, {"page": 1}, 3]}, word_judge))
    assert [r["index"] for r in body["results"]] == [0]
    assert len(body["meta"]["warnings"]) == 3


def golden(version: str) -> dict[str, Any]:
    return {
        "id": REQUEST_ID,
        "results": [{"index": 2, "relevance_score": 0.75}, {"index": 3, "relevance_score": 0.25}],
        "meta": {
            "api_version": {"version": version, "is_deprecated": False, "is_experimental": False},
            "billed_units": {"search_units": 1},
            "tokens": {"input_tokens": 40, "output_tokens": 0},
            "warnings": ["said before", REFUSED],
        },
    }


@BOTH
def test_the_answer(dialect: CohereV1 | CohereV2) -> None:
    reply = dialect.answer(ANSWER, {"documents": None})
    assert plain(reply) == golden(dialect.version)
    assert (reply.status, dict(reply.headers)) == (200, {})


@BOTH
def test_documents_come_back_where_they_are_asked_for(dialect: CohereV1 | CohereV2) -> None:
    originals = (*TEXTS[:2], {"text": TEXTS[2], "page": 7}, TEXTS[3])
    body = plain(dialect.answer(ANSWER, {"documents": originals}))
    assert body["results"] == [
        {"index": 2, "relevance_score": 0.75, "document": {"text": "Pandas eat bamboo.", "page": 7}},
        {"index": 3, "relevance_score": 0.25, "document": {"text": "Bamboo is a grass."}},
    ]


def test_what_rank_fields_made_of_a_document_does_not_replace_its_text(word_judge: Reranker) -> None:
    documents = [{"title": "pandas eat", "text": "real text"}, "plain string", {"title": "no text", "text": None}]
    body = BODY | {"documents": documents, "rank_fields": ["title"], "return_documents": True}
    found = {r["index"]: r["document"] for r in plain(served(COHERE_V1, body, word_judge))["results"]}
    assert found == {0: documents[0], 1: {"text": "plain string"}, 2: {"title": "no text", "text": "no text"}}


def test_no_warnings_no_field() -> None:
    body = plain(COHERE_V2.answer(replace(ANSWER, warnings=(), ranking=replace(RANKING, refused=())), {"documents": None}))
    assert "warnings" not in body["meta"]


@pytest.mark.parametrize(
    ("documents", "pairs", "units"), [(0, 0, 1), (1, 1, 1), (100, 100, 1), (101, 101, 2), (10, 101, 2), (200, 150, 2), (250, 301, 4)]
)
def test_search_units(documents: int, pairs: int, units: int) -> None:
    usage = replace(RANKING.usage, documents=documents, pairs=pairs)
    body = plain(COHERE_V2.answer(replace(ANSWER, ranking=replace(RANKING, usage=usage, refused=())), {"documents": None}))
    assert body["meta"]["billed_units"] == {"search_units": units}


@pytest.mark.parametrize("kind", STATUS)
def test_errors(kind: FaultKind) -> None:
    fault = Fault(kind=kind, message="why", param="top_n", retry_after=3)
    said = "invalid request: why" if kind in ("bad_request", "invalid") else "why"
    v1, v2 = COHERE_V1.fault(fault, REQUEST_ID), COHERE_V2.fault(fault, REQUEST_ID)
    assert (plain(v1), plain(v2)) == ({"message": said}, {"id": REQUEST_ID, "message": said})
    assert v1.status == v2.status == STATUS[kind]
    assert v1.headers == v2.headers == {"Retry-After": "3"}
