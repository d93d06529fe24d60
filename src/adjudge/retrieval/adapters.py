"""Retrievers of LangChain and LlamaIndex as ours, and ours as theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.tokenise import clean  # both libraries refuse lone surrogates
from ..errors import ConfigError, MissingExtraError
from ..types import Document
from .base import Candidate, Retriever, Where
from .corpus import Search, Stage, check_depth
from .where import clauses, holds

if TYPE_CHECKING:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document as LangChainDocument
    from langchain_core.retrievers import BaseRetriever as LangChainRetriever
    from langchain_core.vectorstores import VectorStoreRetriever
    from llama_index.core.base.base_retriever import BaseRetriever as LlamaIndexRetriever
    from llama_index.core.schema import NodeWithScore, QueryBundle

__all__ = ["as_langchain", "as_llama_index", "from_langchain", "from_llama_index"]

_FETCHED = 20
"""Documents among which LangChain's "mmr" chooses, unless it is told."""

_FILTERED_LATE = "{name} does not filter by itself: of the {count} documents it gave, {kept} pass the filter, and others may exist"


def from_langchain(retriever: LangChainRetriever, *, name: str = "langchain") -> Stage:
    """A LangChain retriever as a first stage. LangChain gives no scores, so a document's score is 1 / rank: fuse such lists by RRF.

    Retrievers over a vector store are told how many documents to find, and for "mmr" to choose them among no fewer (`fetch_k`); others
    find as many as they were made to. A filter is applied to what came back, and the result says so. Raises MissingExtraError without
    langchain-core, ConfigError for something else.
    """
    base = _langchain_base()
    if not isinstance(retriever, base):
        raise ConfigError(f"from_langchain() takes a langchain_core BaseRetriever, not {type(retriever).__name__}")
    from langchain_core.vectorstores import VectorStoreRetriever

    def find(query: str, k: int, where: Where | None) -> Search:
        given = retriever.invoke(clean(query), **(_depth(retriever, k) if isinstance(retriever, VectorStoreRetriever) else {}))
        documents = [Document(one.page_content, one.id, dict(one.metadata)) for one in given]
        return _search([(document, 1 / rank) for rank, document in enumerate(documents, 1)], k, where, name)

    return Stage(name, find)


def from_llama_index(retriever: LlamaIndexRetriever, *, name: str = "llama_index") -> Stage:
    """A LlamaIndex retriever as a first stage, with its scores; where it gives none, 1 / rank.

    It finds as many nodes as its own similarity_top_k says. A filter is applied to what came back, and the result says so.
    Raises MissingExtraError without llama-index-core, ConfigError for something else.
    """
    base = _llama_index_base()
    if not isinstance(retriever, base):
        raise ConfigError(f"from_llama_index() takes a llama_index.core BaseRetriever, not {type(retriever).__name__}")

    def find(query: str, k: int, where: Where | None) -> Search:
        nodes = retriever.retrieve(clean(query))
        found = [(Document(one.node.get_content(), one.node.node_id, dict(one.node.metadata)), one.score) for one in nodes]
        if any(score is None for _, score in found):
            scored = [(document, 1 / rank) for rank, (document, _) in enumerate(found, 1)]
        else:
            scored = sorted(((document, float(score)) for document, score in found if score is not None), key=lambda one: -one[1])
        search = _search(scored, k, where, name)
        most = getattr(retriever, "similarity_top_k", None)
        if isinstance(most, int) and most < k:
            short = f"{name} gives at most {most} documents and {k} were asked for; set its similarity_top_k higher"
            return Search(found=search.found, warnings=(*search.warnings, short))
        return search

    return Stage(name, find)


def as_langchain(retriever: Retriever, *, k: int = 100, where: Where | None = None) -> LangChainRetriever:
    """`retriever` for LangChain's chains: documents carry its score, rank and the scores of every stage under "adjudge" in their metadata.

    Raises MissingExtraError without langchain-core.
    """
    check_depth("k", k)
    base = _langchain_base()
    from langchain_core.documents import Document as Given

    class AdjudgeRetriever(base):  # type: ignore[misc, valid-type]  # the base is only there once it is asked for
        """A first stage of adjudge."""

        def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[LangChainDocument]:
            found = retriever.retrieve(query, k, where=where).candidates
            return [_document(one) for one in found]

    def _document(candidate: Candidate) -> LangChainDocument:
        document = candidate.document
        return Given(page_content=clean(document.text), id=document.id, metadata={**document.metadata, "adjudge": _account(candidate)})

    return AdjudgeRetriever()


def as_llama_index(retriever: Retriever, *, k: int = 100, where: Where | None = None) -> LlamaIndexRetriever:
    """`retriever` for LlamaIndex's query engines: nodes with its scores, and those of every stage under "adjudge" in their metadata.

    Raises MissingExtraError without llama-index-core.
    """
    check_depth("k", k)
    base = _llama_index_base()
    from llama_index.core.schema import NodeWithScore as Given
    from llama_index.core.schema import TextNode

    class AdjudgeRetriever(base):  # type: ignore[misc, valid-type]  # the base is only there once it is asked for
        """A first stage of adjudge."""

        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            found = retriever.retrieve(query_bundle.query_str, k, where=where).candidates
            return [Given(node=_node(one), score=one.score) for one in found]

    def _node(candidate: Candidate) -> TextNode:
        document = candidate.document
        metadata = {**document.metadata, "adjudge": _account(candidate)}
        hidden = ["adjudge"]  # for whoever reads results; a language model or an embedder has no use for it
        node = TextNode(text=clean(document.text), metadata=metadata)
        node.excluded_llm_metadata_keys, node.excluded_embed_metadata_keys = hidden, hidden
        if document.id is not None:
            node.node_id = document.id
        return node

    return AdjudgeRetriever()


def _search(found: list[tuple[Document, float]], k: int, where: Where | None, name: str) -> Search:
    if where is None:
        return Search(found=found[:k])
    conditions = clauses(where)
    kept = [(document, score) for document, score in found if holds(conditions, document.metadata)]
    return Search(found=kept[:k], warnings=(_FILTERED_LATE.format(name=name, count=len(found), kept=len(kept)),))


def _depth(retriever: VectorStoreRetriever, k: int) -> dict[str, Any]:
    if retriever.search_type != "mmr":
        return {"k": k}
    return {"k": k, "fetch_k": max(k, retriever.search_kwargs.get("fetch_k", _FETCHED))}


def _account(candidate: Candidate) -> dict[str, Any]:
    return {"score": candidate.score, "rank": candidate.rank, "scores": dict(candidate.scores), "ranks": dict(candidate.ranks)}


def _langchain_base() -> type[LangChainRetriever]:
    try:
        from langchain_core.retrievers import BaseRetriever
    except ImportError:
        raise MissingExtraError(package="langchain-core", extra="langchain", what="a LangChain retriever") from None
    return BaseRetriever


def _llama_index_base() -> type[LlamaIndexRetriever]:
    try:
        from llama_index.core.base.base_retriever import BaseRetriever
    except ImportError:
        raise MissingExtraError(package="llama-index-core", extra="llama-index", what="a LlamaIndex retriever") from None
    return BaseRetriever
