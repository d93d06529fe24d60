from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.server.asks import Ask, PairsAnswer, PairsAsk
from adjudge.server.protocols.choose import VLLM_RERANK, VLLM_SCORE
from adjudge.server.protocols.dialect import STATUS, BadRequestError, Fault, FaultKind
from adjudge.server.protocols.vllm import TYPES
from tests.server.protocols.answers import ANSWER, QUERY, REFUSED, REQUEST_ID, TEXTS, plain, served

RERANK = {"query": QUERY, "documents": list(TEXTS)}
SCORE = {"queries": QUERY, "documents": ["a", "b"]}
PAIRS = PairsAnswer(scores=(0.5, 0.125), score_type="sigmoid", tokens=12, model="embedded", request_id=REQUEST_ID, created=1_700_000_000)

IDLE = {
    "truncate_prompt_tokens": -1,
    "truncation_side": "left",
    "max_tokens_per_query": 64,
    "priority": -2,
    "request_id": "mine",
    "cache_salt": "s",
    "user": "u",
    "add_special_tokens": False,
    "instruction": "find the answer",
    "chat_template": "{{x}}",
    "chat_template_kwargs": {"a": 1},
    "mm_processor_kwargs": {},
}


def test_the_least_rerank() -> None:
    assert VLLM_RERANK.read(RERANK) == Ask(query=QUERY, documents=TEXTS)


def test_every_field_of_rerank() -> None:
    ask = VLLM_RERANK.read(RERANK | {"model": "embedded", "top_n": 3, "max_tokens_per_doc": 128, "use_activation": False} | IDLE)
    assert replace(ask, warnings=()) == Ask(
        query=QUERY, documents=TEXTS, model="embedded", top_n=3, max_tokens_per_doc=128, normalize=False
    )
    assert [w.split(" has no effect here: ")[0] for w in ask.warnings] == list(IDLE)


def test_zero_means_all_and_whole() -> None:
    ask = VLLM_RERANK.read(RERANK | {"top_n": 0, "max_tokens_per_doc": 0, "max_tokens_per_query": 0, "priority": 0})
    assert ask == Ask(query=QUERY, documents=TEXTS)


@pytest.mark.parametrize(
    ("flags", "normalize"),
    [
        ({}, True),
        ({"use_activation": None}, True),
        ({"use_activation": False}, False),
        ({"activation": False}, False),
        ({"softmax": False}, False),
        ({"use_activation": True, "activation": False}, True),
        ({"use_activation": None, "activation": False, "softmax": True}, False),
    ],
)
def test_activation_has_had_three_names(flags: dict[str, Any], normalize: bool) -> None:
    assert VLLM_RERANK.read(RERANK | flags).normalize is normalize
    assert VLLM_SCORE.read(SCORE | flags).normalize is normalize


@pytest.mark.parametrize(
    ("flags", "ignored"),
    [
        ({"use_activation": True, "softmax": True}, ()),
        ({"activation": False, "softmax": None}, ()),
        ({"use_activation": True, "softmax": False}, ("softmax has no effect here: use_activation is its newer name, and says true",)),
        ({"activation": False, "softmax": True}, ("softmax has no effect here: activation is its newer name, and says false",)),
        (
            {"use_activation": False, "activation": True, "softmax": True},
            (
                "activation has no effect here: use_activation is its newer name, and says false",
                "softmax has no effect here: use_activation is its newer name, and says false",
            ),
        ),
    ],
)
def test_an_older_name_that_says_otherwise_is_named(flags: dict[str, Any], ignored: tuple[str, ...]) -> None:
    assert VLLM_RERANK.read(RERANK | flags).warnings == ignored
    assert VLLM_SCORE.read(SCORE | flags).warnings == ignored


@pytest.mark.parametrize(
    "body",
    [
        {"queries": "q", "documents": ["a", "b"]},
        {"queries": ["q"], "documents": ["a", "b"]},
        {"queries": "q", "items": ["a", "b"]},
        {"text_1": "q", "text_2": ["a", "b"]},
        {"data_1": "q", "data_2": ["a", "b"]},
        {"text_1": ["q", "q"], "text_2": ["a", "b"]},
    ],
)
def test_one_to_many_and_many_to_many(body: dict[str, Any]) -> None:
    assert VLLM_SCORE.read(body) == PairsAsk(pairs=(("q", "a"), ("q", "b")))


def test_one_to_one() -> None:
    assert VLLM_SCORE.read({"text_1": "q", "text_2": ""}).pairs == (("q", ""),)


def test_every_field_of_score() -> None:
    ask = VLLM_SCORE.read(SCORE | {"model": "embedded", "max_tokens_per_doc": 9} | IDLE)
    assert replace(ask, warnings=()) == PairsAsk(pairs=((QUERY, "a"), (QUERY, "b")), model="embedded")
    assert [w.split(" has no effect here: ")[0] for w in ask.warnings] == ["max_tokens_per_doc", *IDLE]


def test_texts_that_are_in_no_pair_are_named() -> None:
    ask = VLLM_SCORE.read({"text_1": "a", "text_2": ["b"], "documents": ["x", "y"], "items": ["z"], "data_1": None, "softmax": True})
    assert ask.pairs == (("a", "b"),)
    assert ask.warnings == (
        "documents has no effect here: the pairs are of text_1 and text_2",
        "items has no effect here: the pairs are of text_1 and text_2",
    )
    assert VLLM_SCORE.read(SCORE | {"text_2": "x"}).warnings == ("text_2 has no effect here: the pairs are of queries and documents",)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "the two sides of the pairs are missing; give one of: queries and documents; queries and items; text_1 and text_2"),
        ({"queries": "q"}, "the two sides of the pairs are missing"),
        ({"queries": "q", "text_2": "a"}, "the two sides of the pairs are missing"),
        ({"queries": "q", "documents": "a", "items": "a"}, "given more than once (queries and documents; queries and items)"),
        ({"text_1": ["a", "b"], "text_2": "c"}, "Input lengths must be either 1:1, 1:N or N:N, not 2 text_1 and 1 text_2"),
        ({"text_1": ["a", "b"], "text_2": ["c"] * 3}, "not 2 text_1 and 3 text_2"),
        ({"text_1": [], "text_2": "c"}, "text_1 is empty"),
        ({"text_1": "a", "text_2": []}, "text_2 is empty"),
        ({"text_1": "a", "text_2": [3]}, "text_2[0] must be a string, not 3"),
        ({"text_1": {"content": []}, "text_2": "a"}, "must be a string or a list of strings, not an object"),
    ],
)
def test_sides_that_make_no_pairs(body: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        VLLM_SCORE.read(body)
    assert words in caught.value.fault.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"documents": []}, "At least one document must be given"),
        ({"documents": "a"}, "put it into a list"),
        ({"documents": [{"content": []}]}, "documents[0] must be a string, not an object"),
        ({"top_n": -1}, "top_n must be a whole number of 0 or more"),
        ({"truncation_side": "middle"}, "truncation_side must be one of left, right"),
        ({"truncate_prompt_tokens": -2}, "-1 or more, not -2"),
        ({"use_activation": "no"}, "use_activation must be true or false"),
        ({"query": {"content": []}}, "query must be a string, not an object"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        VLLM_RERANK.read(RERANK | change)
    assert words in caught.value.fault.message
    assert VLLM_RERANK.fault(caught.value.fault, REQUEST_ID).status == 400


def test_the_answer_of_rerank() -> None:
    reply = VLLM_RERANK.answer(ANSWER, {})
    assert plain(reply) == {
        "id": "rerank-req-1",
        "model": "embedded",
        "usage": {"prompt_tokens": 40, "total_tokens": 40},
        "results": [
            {"index": 2, "document": {"text": "Pandas eat bamboo.", "multi_modal": None}, "relevance_score": 0.75},
            {"index": 3, "document": {"text": "Bamboo is a grass.", "multi_modal": None}, "relevance_score": 0.25},
        ],
    }
    assert json.loads(reply.headers["X-Adjudge-Warnings"]) == ["said before", REFUSED]


def test_the_answer_of_score() -> None:
    reply = VLLM_SCORE.answer(replace(PAIRS, warnings=("cut",)), {})
    assert plain(reply) == {
        "id": "score-req-1",
        "object": "list",
        "created": 1_700_000_000,
        "model": "embedded",
        "data": [{"index": 0, "object": "score", "score": 0.5}, {"index": 1, "object": "score", "score": 0.125}],
        "usage": {"prompt_tokens": 12, "total_tokens": 12, "completion_tokens": 0},
    }
    assert json.loads(reply.headers["X-Adjudge-Warnings"]) == ["cut"]


def test_scores_keep_the_order_of_the_pairs(word_judge: Reranker) -> None:
    body = plain(served(VLLM_SCORE, {"text_1": "pandas", "text_2": ["nothing", "pandas", ""]}, word_judge))
    scores = [d["score"] for d in body["data"]]
    assert scores[1] > scores[0]
    assert len(scores) == 3


@pytest.mark.parametrize("kind", STATUS)
def test_errors(kind: FaultKind) -> None:
    status = 400 if kind == "invalid" else STATUS[kind]
    for dialect in (VLLM_RERANK, VLLM_SCORE):
        reply = dialect.fault(Fault(kind=kind, message="why", param="top_n", retry_after=3), REQUEST_ID)
        assert plain(reply) == {"error": {"message": "why", "type": TYPES[kind], "param": "top_n", "code": status}}
        assert (reply.status, reply.headers) == (status, {"Retry-After": "3"})
    assert plain(VLLM_SCORE.fault(Fault(kind=kind, message="why"), REQUEST_ID))["error"]["param"] is None
