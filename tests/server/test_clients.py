"""Other people's clients against a live server: their own code sends the request and reads the answer."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.server.serving import Live

pytestmark = pytest.mark.slow  # importing some of them takes seconds

QUERY = "red apples"
TEXTS = ["bread is baked", "red apples are sweet", "an apple", "rivers are long"]
BEST = 1


@contextmanager
def imports() -> Iterator[None]:
    """What these packages warn of while they are imported or used is theirs to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(autouse=True)
def _their_sockets() -> Iterator[None]:
    """Not every client can be closed: what a test left open is collected here, where nobody is warned of it."""
    yield
    with imports():
        gc.collect()


@contextmanager
def http() -> Iterator[httpx.Client]:
    """A client for the SDKs that take one: it needs no certificates."""
    with httpx.Client(verify=False) as client:
        yield client


@pytest.mark.parametrize("version", [1, 2])
def test_the_cohere_sdk(live_server: Live, version: int) -> None:
    with imports(), http() as http_client:
        cohere = pytest.importorskip("cohere")
        kind = cohere.ClientV2 if version == 2 else cohere.Client
        client = kind(api_key="none", base_url=live_server.url, httpx_client=http_client)
        found = client.rerank(model="quick", query=QUERY, documents=TEXTS, top_n=2)
    assert [len(found.results), found.results[0].index] == [2, BEST]
    assert 0 <= found.results[1].relevance_score <= found.results[0].relevance_score <= 1


def test_the_cohere_sdk_hears_of_mistakes(live_server: Live) -> None:
    with imports(), http() as http_client:
        cohere = pytest.importorskip("cohere")
        client = cohere.ClientV2(api_key="none", base_url=live_server.url, httpx_client=http_client)
        with pytest.raises(cohere.errors.NotFoundError, match="quick"):
            client.rerank(model="another", query=QUERY, documents=TEXTS)


def test_langchains_cohere_compressor(live_server: Live) -> None:
    with imports():
        package = pytest.importorskip("langchain_cohere")
        from langchain_core.documents import Document

        compressor = package.CohereRerank(model="quick", cohere_api_key="none", base_url=live_server.url, top_n=2)
        documents = [Document(page_content=text, metadata={"place": i}) for i, text in enumerate(TEXTS)]
        found = compressor.compress_documents(documents, QUERY)
    assert len(found) == 2
    assert found[0].metadata["place"] == BEST
    assert found[0].metadata["relevance_score"] >= found[1].metadata["relevance_score"]


def nodes() -> list[Any]:
    from llama_index.core.schema import NodeWithScore, TextNode

    return [NodeWithScore(node=TextNode(text=text, id_=str(i)), score=0.5) for i, text in enumerate(TEXTS)]


def test_llama_indexs_cohere_reranker(live_server: Live) -> None:
    with imports():
        package = pytest.importorskip("llama_index.postprocessor.cohere_rerank")
        reranker = package.CohereRerank(model="quick", api_key="none", base_url=live_server.url, top_n=2)
        found = reranker.postprocess_nodes(nodes(), query_str=QUERY)
    assert [node.node.node_id for node in found][0] == str(BEST)
    assert len(found) == 2


def test_llama_indexs_tei_reranker(live_server: Live) -> None:
    with imports():
        package = pytest.importorskip("llama_index.postprocessor.tei_rerank")
        reranker = package.TextEmbeddingInference(base_url=live_server.url, top_n=3)
        found = reranker.postprocess_nodes(nodes(), query_str=QUERY)
    assert [node.node.node_id for node in found][0] == str(BEST)
    assert len(found) == 3


def test_haystacks_tei_ranker(live_server: Live) -> None:
    with imports():
        package = pytest.importorskip("haystack_integrations.components.rankers.huggingface_api")
        from haystack import Document

        ranker = package.HuggingFaceTEIRanker(url=live_server.url, top_k=2, token=None)
        found = ranker.run(query=QUERY, documents=[Document(content=text, id=str(i)) for i, text in enumerate(TEXTS)])
    assert [document.id for document in found["documents"]][0] == str(BEST)
    assert len(found["documents"]) == 2


def test_httpx_and_an_api_that_is_native(live_server: Live) -> None:
    found = live_server.rank(QUERY, TEXTS, top_n=1).json()
    assert [r["index"] for r in found["ranked_results"]] == [BEST]
    assert {d["rule"] for d in found["dropped"]} == {"top_n=1"}
