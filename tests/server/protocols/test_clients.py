"""Bodies as real SDKs make them, and answers as they parse them: the cohere SDK and Haystack's ranker, by a transport without a network."""

from __future__ import annotations

import json
import warnings
from types import ModuleType
from typing import Any

import httpx
import pytest

from adjudge import Reranker
from adjudge.server.protocols.dialect import BadRequestError, Fault, Reply
from tests.server.protocols.answers import QUERY, TEXTS, plain, route, served

MODEL = "embedded"


def transport(judge: Reranker, *, fault: Fault | None = None) -> httpx.MockTransport:
    """Answers as a server would, by the path that was asked; `fault`: always this one."""

    def handle(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        dialect = route(request.url.path).choose(body)
        try:
            reply: Reply = served(dialect, body, judge) if fault is None else dialect.fault(fault, "r")
        except BadRequestError as error:
            reply = dialect.fault(error.fault, "r")
        return httpx.Response(reply.status, json=plain(reply), headers=reply.headers)

    return httpx.MockTransport(handle)


@pytest.fixture(scope="module")
def cohere() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the package's own imports
        return pytest.importorskip("cohere")


def client(cohere: ModuleType, judge: Reranker, *, version: int = 2, **more: Any) -> Any:
    kind = cohere.ClientV2 if version == 2 else cohere.Client
    return kind(api_key="k", base_url="http://adjudge", httpx_client=httpx.Client(transport=transport(judge, **more)))


def test_cohere_v2(cohere: ModuleType, word_judge: Reranker) -> None:
    found = client(cohere, word_judge).rerank(model=MODEL, query=QUERY, documents=list(TEXTS), top_n=2, priority=4)
    assert [r.index for r in found.results][0] == 2
    assert len(found.results) == 2
    assert all(isinstance(r.relevance_score, float) for r in found.results)
    assert found.meta.billed_units.search_units == 1
    assert found.meta.api_version.version == "2"
    assert found.meta.tokens.input_tokens > 0
    assert [w.split()[0] for w in found.meta.warnings] == ["priority", "not"]
    assert found.id == "req-1"


@pytest.mark.parametrize("more", [{}, {"rank_fields": ["text"]}])
def test_cohere_v1_with_documents(cohere: ModuleType, word_judge: Reranker, more: dict[str, Any]) -> None:
    documents = ["Paris", {"text": "Pandas eat bamboo."}]
    found = client(cohere, word_judge, version=1).rerank(model=MODEL, query=QUERY, documents=documents, return_documents=True, **more)
    assert [(r.index, r.document.text) for r in found.results] == [(1, "Pandas eat bamboo."), (0, "Paris")]
    assert found.meta.api_version.version == "1"


def test_cohere_v1_gives_objects_back_as_they_were_sent(cohere: ModuleType, word_judge: Reranker) -> None:
    """The SDK promises its callers a text, so one that was not sent is filled in with what was judged."""
    documents = [{"title": "Paris"}, {"title": "Pandas eat bamboo.", "text": "An article.", "page": 7}]
    asked = {"model": MODEL, "query": QUERY, "documents": documents, "rank_fields": ["title"], "return_documents": True}
    best, other = client(cohere, word_judge, version=1).rerank(**asked).results
    assert (best.document.text, best.document.title, best.document.page) == ("An article.", "Pandas eat bamboo.", 7)
    assert (other.document.text, other.document.title) == ("Paris", "Paris")


def test_cohere_errors(cohere: ModuleType, word_judge: Reranker) -> None:
    from cohere.errors import BadRequestError as CohereBadRequestError
    from cohere.errors import NotFoundError, ServiceUnavailableError, TooManyRequestsError

    with pytest.raises(CohereBadRequestError) as caught:
        client(cohere, word_judge).rerank(model=MODEL, query=QUERY, documents=[])
    assert caught.value.body["message"] == "invalid request: list of documents must not be empty"
    never = {"max_retries": 0}
    for fault, error in (
        (Fault(kind="not_found", message="no such model"), NotFoundError),
        (Fault(kind="overloaded", message="full", retry_after=1), TooManyRequestsError),
        (Fault(kind="not_ready", message="loading"), ServiceUnavailableError),
    ):
        with pytest.raises(error) as refused:
            client(cohere, word_judge, fault=fault).rerank(model=MODEL, query=QUERY, documents=["a"], request_options=never)
        assert refused.value.body["message"] == fault.message


@pytest.fixture(scope="module")
def haystack_ranker() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the package's own imports
        module = pytest.importorskip("haystack_integrations.components.rankers.huggingface_api")
    return module.HuggingFaceTEIRanker(url="http://adjudge", top_k=10, token=None)


def test_haystack(haystack_ranker: Any, word_judge: Reranker) -> None:
    from haystack import Document

    with httpx.Client(transport=transport(word_judge)) as http:
        found = http.post("http://adjudge/rerank", json={"query": QUERY, "texts": list(TEXTS), "raw_scores": False}).json()
    ranked = haystack_ranker._compose_response(found, None, [Document(content=text) for text in TEXTS])["documents"]
    assert ranked[0].content == TEXTS[2]
    assert (ranked[-1].content, ranked[-1].score) == (TEXTS[1], 0.0)
    assert len(ranked) == 4


def test_haystack_reads_the_error(haystack_ranker: Any, word_judge: Reranker) -> None:
    fault = Fault(kind="overloaded", message="the queue is full")
    with httpx.Client(transport=transport(word_judge, fault=fault)) as http:
        found = http.post("http://adjudge/tei/rerank", json={"query": QUERY, "texts": ["a"]}).json()
    with pytest.raises(RuntimeError, match=r"\(Overloaded\): the queue is full"):
        haystack_ranker._compose_response(found, None, [])
