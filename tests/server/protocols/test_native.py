from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.server.asks import Ask
from adjudge.server.protocols.choose import NATIVE
from adjudge.server.protocols.dialect import STATUS, BadRequestError, Fault, FaultKind
from tests.server.protocols.answers import ANSWER, EXPLANATION, QUERY, REQUEST_ID, TEXTS, plain, served

BODY = {"query": QUERY, "documents": list(TEXTS)}


def test_the_least_request() -> None:
    assert NATIVE.read(BODY) == Ask(query=QUERY, documents=TEXTS, echo={"return_documents": True, "return_similarity": False})


def test_every_field() -> None:
    documents = ["a", {"text": "b", "id": 3, "page": 7}, None]
    ask = NATIVE.read(
        {
            "query": QUERY,
            "documents": documents,
            "model": "embedded",
            "top_n": 0,
            "threshold": "relative:0.5",
            "normalize": True,
            "return_documents": False,
            "return_similarity": True,
            "aggregation": "mean",
            "max_tokens_per_doc": 100,
            "budget_ms": 50,
            "timeout_ms": 2000.5,
            "explain": 2,
        }
    )
    assert ask == Ask(
        query=QUERY,
        documents=tuple(documents),
        model="embedded",
        top_n=0,
        threshold="relative:0.5",
        windows={"aggregation": "mean"},
        max_tokens_per_doc=100,
        budget_ms=50.0,
        timeout_ms=2000.5,
        explain=2,
        similarity=True,
        echo={"return_documents": False, "return_similarity": True},
    )


@pytest.mark.parametrize(
    "threshold", [0, 0.3, 1, "0.3", "absolute:0.3", "relative:0.5", "dynamic", "dynamic:low=0.3", "gap", "precision:0.9"]
)
def test_thresholds_pass_as_they_are(threshold: float | str) -> None:
    assert NATIVE.read(BODY | {"threshold": threshold}).threshold == threshold


@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"query": ""}, "query", "must not be empty"),
        ({"documents": "a"}, "documents", "put it into a list"),
        ({"documents": None}, "documents", "must not be null"),
        ({"top_n": -1}, "top_n", "0 or more, not -1"),
        ({"top_n": "3"}, "top_n", "without quotes"),
        ({"threshold": True}, "threshold", "must be a number or a string like"),
        ({"threshold": ["dynamic"]}, "threshold", "not a list of 1"),
        ({"threshold": "best"}, "threshold", "is not known; use one like"),
        ({"threshold": "nan"}, "threshold", "finite number"),
        ({"threshold": 10**400}, "threshold", "finite number"),
        ({"threshold": "gap", "normalize": False}, "threshold", "needs probabilities"),
        ({"threshold": -2.5}, "threshold", "lies below every score, for scores lie in 0..1"),
        ({"threshold": "1.01"}, "threshold", "lies above every score"),
        ({"aggregation": "median"}, "aggregation", "must be one of max, mean"),
        ({"budget_ms": 0}, "budget_ms", "above 0"),
        ({"timeout_ms": 1e12}, "timeout_ms", "at most 86400000"),
        ({"explain": 11}, "explain", "at most 10"),
        ({"model": ""}, "model", "must not be empty"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], param: str, words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        NATIVE.read(BODY | change)
    assert caught.value.fault.param == param
    assert caught.value.fault.kind == "invalid"
    assert words in caught.value.fault.message


def test_an_absolute_logit_needs_no_probabilities() -> None:
    assert NATIVE.read(BODY | {"threshold": -1.5, "normalize": False}).normalize is False


def test_unknown_fields_are_named() -> None:
    assert NATIVE.read(BODY | {"top_k": 3}).warnings == ("top_k is not known here and was ignored; did you mean top_n?",)


BEST = {
    "index": 2,
    "id": "p2",
    "text": "Pandas eat bamboo.",
    "metadata": {"page": 7},
    "score": 0.75,
    "logit": 1.0986,
    "passage": {"text": "Pandas eat bamboo.", "start": 0, "end": 18},
    "truncated": False,
    "windows": 1,
    "tokens": 6,
    "tokens_unseen": 0,
    "judge": "embedded",
    "aspects": {"coverage": 0.5},
    "similarity": 0.875,
    "explanation": {
        "sentences": [
            {
                "text": "Pandas eat bamboo.",
                "start": 0,
                "end": 18,
                "score_without": 0.5,
                "logit_without": 0.0,
                "effect": 1.0986,
                "count": 1,
            }
        ],
        "pairs": 2,
        "milliseconds": 1.5,
    },
}
SECOND = {
    "index": 3,
    "text": "Bamboo is a grass.",
    "score": 0.25,
    "logit": -1.0986,
    "passage": {"text": "Bamboo", "start": 0, "end": 6},
    "truncated": True,
    "windows": 2,
    "tokens": 9,
    "tokens_unseen": 4,
    "judge": "embedded",
    "similarity": None,
}


def test_the_whole_answer() -> None:
    answer = replace(ANSWER, explanations=(EXPLANATION,), similarities=(0.5, None, 0.875))
    reply = NATIVE.answer(answer, {"return_documents": True, "return_similarity": True})
    assert plain(reply) == {
        "ranked_results": [BEST, SECOND],
        "dropped": [{"index": 0, "score": 0.125, "logit": -1.9459, "rule": "top_n=2", "judge": "embedded", "similarity": 0.5}],
        "refused": [{"index": 1, "reason": "empty", "message": "document 1 is empty or only white space, so it answers nothing"}],
        "results": [{"index": 2, "relevance_score": 0.75}, {"index": 3, "relevance_score": 0.25}],
        "model": "embedded",
        "revision": "abc",
        "score_type": "sigmoid",
        "usage": {"documents": 4, "pairs": 4, "tokens": 40, "padded_tokens": 48, "batches": 1, "truncated": 1, "computed": 4},
        "timings": {"queue_ms": 0.25, "tokenise_ms": 0.5, "forward_ms": 2.0, "total_ms": 4.5},
        "warnings": ["said before"],
        "request_id": REQUEST_ID,
    }
    assert (reply.status, dict(reply.headers)) == (200, {})


def test_texts_stay_away_where_they_are_not_wanted() -> None:
    body = plain(NATIVE.answer(ANSWER, {"return_documents": False, "return_similarity": False}))
    best = body["ranked_results"][0]
    assert best["passage"] == {"start": 0, "end": 18}
    assert best["id"] == "p2"
    assert not {"text", "metadata", "similarity", "explanation"} & set(best)
    assert "similarity" not in body["dropped"][0]


def test_every_document_is_in_one_place(word_judge: Reranker) -> None:
    body = plain(served(NATIVE, BODY | {"top_n": 1, "threshold": 1e-9}, word_judge))
    places = [entry["index"] for name in ("ranked_results", "dropped", "refused") for entry in body[name]]
    assert sorted(places) == [0, 1, 2, 3]
    assert [r["index"] for r in body["ranked_results"]] == [2]


def test_no_documents_make_an_empty_ranking(word_judge: Reranker) -> None:
    body = plain(served(NATIVE, {"query": QUERY, "documents": []}, word_judge))
    assert (body["ranked_results"], body["dropped"], body["refused"]) == ([], [], [])


@pytest.mark.parametrize("kind", STATUS)
def test_errors(kind: FaultKind) -> None:
    reply = NATIVE.fault(Fault(kind=kind, message="why", param="top_n", retry_after=3), REQUEST_ID)
    assert plain(reply) == {"error": {"kind": kind, "message": "why", "param": "top_n", "request_id": REQUEST_ID}}
    assert (reply.status, reply.headers) == (STATUS[kind], {"Retry-After": "3"})
    assert "param" not in plain(NATIVE.fault(Fault(kind=kind, message="why"), REQUEST_ID))["error"]
