"""The first stage, once: candidates of every judged query, which every reranker then gets."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError
from ..retrieval.base import Retriever
from ..retrieval.bm25 import BM25Retriever
from ..retrieval.dense_retriever import DenseRetriever
from ..retrieval.hybrid import HybridRetriever
from ..types import Document
from .dataset import Dataset
from .pool_stage import PoolStage
from .problems import ProblemList
from .trec import looks_like_run, read_run

__all__ = ["FirstStage", "Found", "RETRIEVERS", "check_retriever", "find_candidates", "pool_order"]

RETRIEVERS = ("bm25", "dense", "hybrid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Candidates of one query, best first."""

    documents: tuple[str, ...]
    scores: tuple[float, ...]
    milliseconds: float | None  # None: from a run


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStage:
    """What a first stage found for every judged query."""

    name: str
    found: Mapping[str, Found]
    runtime: str = ""
    load_ms: float | None = None  # until the first query could be asked, the index included


def check_retriever(name: str) -> None:
    """Raises ConfigError for what is neither one of RETRIEVERS nor the name of a run."""
    if name not in RETRIEVERS and not looks_like_run(name):
        raise ConfigError(f"{name!r} is no first stage: name {', '.join(RETRIEVERS)}, or a run's file ending in .trec, .run or .txt")


def find_candidates(
    data: Dataset, retriever: str, *, candidates: int, problems: ProblemList, progress: Callable[[int, int], None] | None = None
) -> FirstStage:
    """At most `candidates` documents of every judged query. Where queries bring their own (data.pools), these are put in order.

    `progress` gets (done, total) in queries. Raises ConfigError for an unknown retriever, InputError for a run that is none.
    """
    check_retriever(retriever)
    if retriever not in RETRIEVERS:
        return _from_run(data, Path(retriever), candidates, problems)
    began = time.perf_counter()
    stage = _open(retriever, data)
    load_ms = (time.perf_counter() - began) * 1e3
    found: dict[str, Found] = {}
    try:
        for query in data.queries:
            found[query] = _search(stage, data, query, candidates)
            if progress is not None:
                progress(len(found), len(data.queries))
    finally:
        stage.close()
    return FirstStage(name=retriever, found=found, load_ms=load_ms)


def pool_order(query: str, pool: Iterable[str]) -> list[str]:
    """Documents in an order that says nothing: files name the right ones first, and ties must not profit from that."""
    return sorted(pool, key=lambda document: hashlib.sha256(f"pool{query}\0{document}".encode("utf-8", "surrogatepass")).digest())


def _open(name: str, data: Dataset) -> Retriever | PoolStage:
    order = list(data.documents) if data.pools is None else pool_order("", data.documents)
    documents = [Document(data.documents[document], id=document) for document in order]
    if data.pools is not None:
        return PoolStage(name, documents)
    if name == "bm25":
        return BM25Retriever.from_documents(documents)
    if name == "dense":
        return DenseRetriever.from_documents(documents)
    return HybridRetriever([BM25Retriever.from_documents(documents), DenseRetriever.from_documents(documents)])


def _search(stage: Retriever | PoolStage, data: Dataset, query: str, candidates: int) -> Found:
    text = data.queries[query].text
    if not text.strip():
        return Found(documents=(), scores=(), milliseconds=None)
    pool = () if data.pools is None else data.pools[query]
    began = time.perf_counter()
    if isinstance(stage, PoolStage):
        listed = stage.search(text, pool)
    else:
        listed = [(one.document.id or "", one.score) for one in stage.retrieve(text, candidates).candidates]
    took = (time.perf_counter() - began) * 1e3
    if isinstance(stage, PoolStage):
        listed = _filled(pool_order(query, pool), listed)[:candidates]
    return Found(documents=tuple(document for document, _ in listed), scores=tuple(score for _, score in listed), milliseconds=took)


def _filled(pool: Sequence[str], listed: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """What was found of the pool, then the rest of it with the score 0."""
    found = {document for document, _ in listed}
    return [*listed, *((document, 0.0) for document in pool if document not in found)]


def _from_run(data: Dataset, path: Path, candidates: int, problems: ProblemList) -> FirstStage:
    run = read_run(path, problems)
    for query in run:
        if query not in data.queries:
            problems.add("run_query_unjudged", query)
    found = {}
    for query in data.queries:
        lines = run.get(query, ())[:candidates]
        if query not in run:
            problems.add("run_query_missing", query)
        for line in lines:
            if line.document not in data.documents:
                problems.add("run_document_missing", line.document)
        found[query] = Found(
            documents=tuple(line.document for line in lines), scores=tuple(line.score for line in lines), milliseconds=None
        )
    return FirstStage(name=path.name, found=found)
