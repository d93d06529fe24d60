"""LangChain's and LlamaIndex's own retrievers as ours, and ours in their place: real libraries, no network."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from langchain_core.documents import Document as LangChainDocument
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import InMemoryVectorStore
from llama_index.core.base.base_retriever import BaseRetriever as LlamaIndexRetriever
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode

from adjudge.errors import ConfigError, MissingExtraError
from adjudge.retrieval.adapters import as_langchain, as_llama_index, from_langchain, from_llama_index
from adjudge.retrieval.bm25 import BM25Retriever
from adjudge.retrieval.hybrid import HybridRetriever
from tests.retrieval.corpora import CORPUS, QUERIES


@pytest.fixture(scope="module")
def words() -> BM25Retriever:
    return BM25Retriever.from_documents(CORPUS)


def vector_store(k: int, *, search_type: str = "similarity", **more: int) -> BaseRetriever:
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=16))
    store.add_documents([LangChainDocument(page_content=one.text, id=one.id, metadata=dict(one.metadata)) for one in CORPUS])
    return store.as_retriever(search_type=search_type, search_kwargs={"k": k, **more})


class Nodes(LlamaIndexRetriever):
    """A retriever as people write their own for LlamaIndex: all documents, with scores or without, in no good order."""

    similarity_top_k = 14

    def __init__(self, *, scored: bool) -> None:
        super().__init__()
        self._scored = scored

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        nodes = [TextNode(text=one.text, id_=one.id, metadata=dict(one.metadata)) for one in CORPUS]
        return [NodeWithScore(node=node, score=float(at) if self._scored else None) for at, node in enumerate(nodes)]


def test_a_vector_store_is_told_how_many_to_find() -> None:
    retriever = from_langchain(vector_store(2))
    found = retriever.retrieve("pandas", 7).candidates
    assert len(found) == 7
    assert [one.score for one in found] == [1 / rank for rank in range(1, 8)]
    assert {one.document.id for one in found} <= {one.id for one in CORPUS}
    assert found[0].document.metadata["lang"]


def test_one_that_looks_for_variety_is_given_enough_to_choose_from() -> None:
    """LangChain's "mmr" chooses among the nearest 20, however many it is asked for."""
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=16))
    store.add_documents([LangChainDocument(page_content=f"panda {at}", id=str(at)) for at in range(60)])
    assert len(from_langchain(store.as_retriever(search_type="mmr")).retrieve("panda", 50).candidates) == 50


@pytest.mark.parametrize(("told", "used"), [({}, 20), ({"fetch_k": 3}, 5), ({"fetch_k": 9}, 9)])
def test_what_a_retriever_was_told_to_choose_from_stands(told: dict[str, int], used: int) -> None:
    theirs = vector_store(5, search_type="mmr", fetch_k=used)
    found = from_langchain(vector_store(2, search_type="mmr", **told)).retrieve("pandas", 5).candidates
    assert [one.document.id for one in found] == [one.id for one in theirs.invoke("pandas")]


def test_a_filter_is_applied_to_what_came_and_said_to_be() -> None:
    found = from_langchain(vector_store(4)).retrieve("pandas", 14, where={"lang": "zh"})
    assert {one.document.id for one in found.candidates} == {one.id for one in CORPUS if one.metadata["lang"] == "zh"}
    assert "does not filter by itself: of the 14 documents it gave, 3 pass" in found.warnings[0]


def test_llama_index_scores_are_kept_and_ordered() -> None:
    found = from_llama_index(Nodes(scored=True)).retrieve("pandas", 3)
    assert [one.document.id for one in found.candidates] == [one.id for one in CORPUS[:-4:-1]]
    assert [one.score for one in found.candidates] == [13.0, 12.0, 11.0]
    assert not found.warnings
    unscored = from_llama_index(Nodes(scored=False)).retrieve("pandas", 20)
    assert [one.score for one in unscored.candidates[:2]] == [1.0, 0.5]
    assert "set its similarity_top_k higher" in unscored.warnings[0]


def test_ours_serves_langchain(words: BM25Retriever) -> None:
    theirs = as_langchain(words, k=3, where={"lang": ["en", "es"]})
    documents = theirs.invoke(QUERIES["q-panda"])
    assert isinstance(theirs, BaseRetriever)
    expected = words.retrieve(QUERIES["q-panda"], 3, where={"lang": ["en", "es"]}).candidates
    assert [one.id for one in documents] == [one.document.id for one in expected]
    assert documents[0].page_content == expected[0].document.text
    assert documents[0].metadata["year"] == expected[0].document.metadata["year"]
    assert documents[0].metadata["adjudge"] == {
        "score": expected[0].score,
        "rank": 1,
        "scores": {"bm25": expected[0].score},
        "ranks": {"bm25": 1},
    }
    assert [one.id for one in asyncio.run(theirs.ainvoke(QUERIES["q-panda"]))] == [one.id for one in documents]


def test_ours_serves_llama_index(words: BM25Retriever) -> None:
    theirs = as_llama_index(words, k=3)
    nodes = theirs.retrieve(QUERIES["q-panda"])
    expected = words.retrieve(QUERIES["q-panda"], 3).candidates
    assert [one.node.node_id for one in nodes] == [one.document.id for one in expected]
    assert [one.score for one in nodes] == [one.score for one in expected]
    assert nodes[0].node.metadata["adjudge"]["rank"] == 1
    assert "adjudge" not in nodes[0].node.get_content(metadata_mode=MetadataMode.LLM)


def test_theirs_and_ours_in_one_hybrid(words: BM25Retriever) -> None:
    found = HybridRetriever([words, from_langchain(vector_store(5))]).retrieve(QUERIES["q-panda"], 14).candidates
    assert {name for one in found for name in one.ranks} == {"bm25", "langchain", "hybrid"}
    assert len({one.document.id for one in found}) == len(found)


def test_something_else_is_refused(words: BM25Retriever) -> None:
    for adapt in (from_langchain, from_llama_index):
        with pytest.raises(ConfigError, match="BM25Retriever"):
            adapt(words)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="k must be"):
        as_langchain(words, k=0)


@pytest.mark.parametrize(
    ("adapt", "module"), [(as_langchain, "langchain_core.retrievers"), (as_llama_index, "llama_index.core.base.base_retriever")]
)
def test_a_missing_library_is_named(adapt: Any, module: str, words: BM25Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install \"adjudge\[(langchain|llama-index)\]\""):
        adapt(words)
