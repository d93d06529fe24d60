"""From the options of a search to a pipeline over an index."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from .loading import check_cascade, open_reranker

if TYPE_CHECKING:
    from ..pipeline import Pipeline, PipelineResult
    from ..retrieval.base import Retriever, Where
    from ..retrieval.index import Index

__all__ = ["check_search", "name_and_place", "open_pipeline", "say_if_nothing_meets"]

logger = logging.getLogger("adjudge.cli")


def check_search(params: Mapping[str, Any], *, judge: bool = True) -> Where | None:
    """The filter, once everything is checked that would be refused anyway, but only after models were loaded for nothing."""
    from ..engine.documents import accept_query
    from ..errors import ConfigError
    from ..pipeline import PipelineConfig
    from ..retrieval.where import parse_where

    accept_query(params["query"])
    PipelineConfig(candidates=params["candidates"], top_n=params["top_n"], threshold=params["threshold"], fusion=params["fusion"])
    check_cascade(params, [params["model"]])
    if not judge and params["fusion"] is not None:
        raise ConfigError("--fusion joins the judge's order with the first stage's. Leave --no-rerank out, or --fusion")
    if not judge and params["threshold"] is not None:
        raise ConfigError(
            "--threshold needs the judge: scores of a first stage are no probabilities. Leave --no-rerank out, or --threshold"
        )
    return parse_where(params["where"]) if params["where"] else None


@contextmanager
def open_pipeline(params: Mapping[str, Any], *, judge: bool, progress: bool) -> Iterator[Pipeline]:
    """Open the index, what asks it, and the judge; give everything back behind the block."""
    from ..pipeline import Pipeline
    from ..retrieval.index import open_index

    with ExitStack() as held:
        index = open_index(params["index"])
        held.callback(index.close)
        retriever = _retriever(index, params["retriever"])
        held.callback(retriever.close)
        reranker = held.enter_context(open_reranker(params, progress=progress)) if judge else None
        options = {name: params[name] for name in ("candidates", "top_n", "threshold", "fusion")}
        yield Pipeline(retriever, reranker, **options)


def name_and_place(result: PipelineResult, at: int) -> tuple[str, str]:
    """Of a result: the headings above it, else nothing; and the file it was read from, else its id."""
    document = result[at].document
    headings = document.metadata.get("headings", ())
    name = headings if isinstance(headings, str) else " > ".join(str(one) for one in headings)
    return name, str(document.metadata.get("source", document.id or f"document {at}"))


def _retriever(index: Index, name: str) -> Retriever:
    from ..retrieval.bm25 import BM25Retriever
    from ..retrieval.dense_retriever import DenseRetriever
    from ..retrieval.hybrid import HybridRetriever

    if name == "bm25":
        return BM25Retriever.from_index(index)
    dense = DenseRetriever.from_index(index)
    return dense if name == "dense" else HybridRetriever([BM25Retriever.from_index(index), dense])


def say_if_nothing_meets(result: PipelineResult, where: Sequence[str] | None) -> None:
    """A filter that no passage passes is more often a slip than a fact."""
    if where and not result.retrieval.candidates:
        logger.warning("no passage meets --where %s; --json without it shows which fields passages have", " --where ".join(where))
