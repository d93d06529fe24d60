from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.server.protocols.choose import ROUTES, Route
from tests.server.protocols.answers import plain, route, served

LEAST = {"query": "q", "documents": ["a"]}

PATHS = {
    "/rerank",
    "/v1/rerank",
    "/v2/rerank",
    "/score",
    "/v1/score",
    "/tei/rerank",
    "/vllm/rerank",
    "/vllm/v1/rerank",
    "/vllm/score",
    "/infinity/rerank",
    "/cohere/v1/rerank",
    "/cohere/v2/rerank",
    "/jina/v1/rerank",
}


def test_every_path_is_there_once() -> None:
    assert Counter(r.path for r in ROUTES) == Counter(PATHS)


@pytest.mark.parametrize(
    ("path", "more", "name"),
    [
        ("/rerank", {}, "native"),
        ("/rerank", {"top_n": 0, "max_tokens_per_doc": 9}, "native"),
        ("/rerank", {"texts": ["a"]}, "native"),  # with documents beside it, `texts` is a field too many
        ("/rerank", {"documents": None, "texts": ["a"]}, "tei"),
        ("/rerank", {"documents": None, "texts": ["a"], "raw_scores": True}, "tei"),
        ("/rerank", {"truncate_prompt_tokens": 9}, "vllm-rerank"),
        ("/rerank", {"raw_scores": False}, "infinity"),
        ("/v1/rerank", {}, "v1-common"),
        ("/v1/rerank", {"model": "m", "top_n": 2, "return_documents": True}, "v1-common"),
        ("/v1/rerank", {"model": "m", "return_documents": "true", "return_len": "true"}, "v1-common"),
        ("/v1/rerank", {"rank_fields": ["a"]}, "cohere-v1"),
        ("/v1/rerank", {"max_chunks_per_doc": 10, "overlap_tokens": 80}, "cohere-v1"),
        ("/v1/rerank", {"rank_fields": None, "max_chunks_per_doc": None}, "v1-common"),
        ("/v1/rerank", {"truncation": False}, "jina"),
        ("/v1/rerank", {"max_doc_length": 9}, "jina"),
        ("/v1/rerank", {"max_query_length": 9}, "jina"),
        ("/v1/rerank", {"return_embeddings": False}, "jina"),
        ("/v1/rerank", {"use_activation": False}, "vllm-rerank"),
        ("/v1/rerank", {"max_tokens_per_doc": 9}, "vllm-rerank"),
        ("/v1/rerank", {"priority": 0}, "vllm-rerank"),
        ("/v1/rerank", {"top_n": 0}, "vllm-rerank"),
        ("/v1/rerank", {"top_n": False}, "v1-common"),
        ("/v1/rerank", {"raw_scores": True}, "infinity"),
        ("/v1/rerank", {"rank_fields": ["a"], "truncation": True, "use_activation": True}, "cohere-v1"),
        ("/v2/rerank", {"model": "m"}, "cohere-v2"),
        ("/v2/rerank", {"max_tokens_per_doc": 9, "priority": 1}, "cohere-v2"),
        ("/v2/rerank", {"truncate_prompt_tokens": 9}, "vllm-rerank"),
        ("/v2/rerank", {"top_n": 0}, "vllm-rerank"),
        ("/score", {}, "vllm-score"),
        ("/v1/score", {}, "vllm-score"),
        ("/tei/rerank", {}, "tei"),
        ("/vllm/rerank", {}, "vllm-rerank"),
        ("/vllm/v1/rerank", {"rank_fields": ["a"]}, "vllm-rerank"),
        ("/vllm/score", {}, "vllm-score"),
        ("/infinity/rerank", {}, "infinity"),
        ("/cohere/v1/rerank", {"truncation": True}, "cohere-v1"),
        ("/cohere/v2/rerank", {"top_n": 0}, "cohere-v2"),
        ("/jina/v1/rerank", {"rank_fields": ["a"]}, "jina"),
    ],
)
def test_who_speaks(path: str, more: dict[str, Any], name: str) -> None:
    assert route(path).choose(LEAST | more).name == name


def test_a_body_of_nothing_gets_the_default() -> None:
    assert [r.choose({}).name for r in ROUTES] == [r.default.name for r in ROUTES]


@pytest.mark.parametrize("each", ROUTES, ids=lambda r: r.path)
def test_examples_run(each: Route, word_judge: Reranker) -> None:
    content = each.schema("a-model")["requestBody"]["content"]["application/json"]
    assert set(content["examples"]) == {d.name for d in each.dialects}
    for name, example in content["examples"].items():
        dialect = each.choose(example["value"])
        assert dialect.name == name
        assert dialect.read(example["value"]).warnings == ()
        assert dialect.read(example["value"]).model in ("a-model", None)
        assert served(dialect, example["value"], word_judge).status == 200


@pytest.mark.parametrize("each", ROUTES, ids=lambda r: r.path)
def test_the_schema_is_whole(each: Route) -> None:
    schema = json.loads(json.dumps(each.schema()))
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    content = schema["requestBody"]["content"]["application/json"]
    validator.check_schema(content["schema"])
    for example in content["examples"].values():
        validator(content["schema"]).validate(example["value"])
    for status, response in schema["responses"].items():
        validator.check_schema(response["content"]["application/json"]["schema"])
        assert response["description"]
        assert status.isdigit()
    assert {"200", "401", "413", "429", "503", "504"} <= set(schema["responses"])
    assert {"400", "422"} & set(schema["responses"])


def test_every_property_of_a_request_is_explained() -> None:
    for each in ROUTES:
        schema = each.schema()["requestBody"]["content"]["application/json"]["schema"]
        for one in schema.get("anyOf", [schema]) if "properties" not in schema else [schema]:
            assert all(p["description"] for p in one["properties"].values())


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/v1/rerank", {"return_documents": "true", "return_len": "true"}, 2),  # RAGFlow's client for Xinference
        ("/v1/rerank", {"top_n": 1, "return_documents": False, "max_chunks_per_doc": 1024, "overlap_tokens": 80}, 1),  # for SiliconFlow
        ("/v1/rerank", {"top_n": 1}, 0),  # for Jina, GPUStack, OpenAI-like servers; LlamaIndex's and LangChain's for Jina
        ("/v1/rerank", {"top_n": None, "return_documents": True}, 0),  # Dify's for OpenAI-like servers
        ("/rerank", {"top_n": 1}, 0),  # RAGFlow's for LocalAI
    ],
)
def test_bodies_of_clients_in_the_field(path: str, body: dict[str, Any], told: int, word_judge: Reranker) -> None:
    sent = {"model": "embedded"} | LEAST | body
    dialect = route(path).choose(sent)
    assert len(dialect.read(sent).warnings) == told
    answer = plain(served(dialect, sent, word_judge))
    assert [(r["index"], 0 <= r["relevance_score"] <= 1) for r in answer["results"]] == [(0, True)]
    if path == "/v1/rerank":
        tokens = answer["meta"]["tokens"]
        assert tokens["input_tokens"] + tokens["output_tokens"] > 0  # both are read by RAGFlow
    if body.get("top_n") == 1 and path == "/v1/rerank" and len(body) == 1:
        assert answer["results"][0]["document"]["text"] == "a"  # read by Dify's client for Jina
        assert answer["usage"]["total_tokens"] > 0
