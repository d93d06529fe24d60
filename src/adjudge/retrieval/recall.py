"""Recall of a first stage: what a judge after it can at best do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

from ..errors import ConfigError, InputError
from ..types import Document
from .base import Retriever
from .corpus import check_depth

__all__ = ["Recall", "recall_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """R@k of one retriever: the share of a query's relevant documents among its k best, averaged over the queries."""

    retriever: str
    k: int
    relevant: Mapping[str, int]  # query id -> how many documents are relevant
    ranks: Mapping[str, Mapping[str, int]]  # query id -> relevant document id -> its rank; one that is missing is not among the k best
    skipped: tuple[str, ...] = ()  # judged queries without a relevant document: there is nothing to find
    milliseconds: float = 0.0  # a query, on average

    @property
    def mean(self) -> float:
        """R@k, 0 to 1: no order of the k documents brings back what is not among them."""
        return self.at(self.k)

    @property
    def per_query(self) -> dict[str, float]:
        """R@k of each query."""
        return {query: len(self.ranks[query]) / count for query, count in self.relevant.items()}

    @property
    def success(self) -> float:
        """Success@k: the share of queries with at least one relevant document among the k best."""
        return sum(bool(found) for found in self.ranks.values()) / len(self.ranks)

    def at(self, k: int) -> float:
        """R at a smaller cut: how much is lost by keeping fewer candidates. Raises ConfigError above self.k."""
        if check_depth("k", k) > self.k:
            raise ConfigError(f"R@{k} is not known: only the {self.k} best were asked for")
        found = {query: sum(rank <= k for rank in ranks.values()) for query, ranks in self.ranks.items()}
        return sum(found[query] / count for query, count in self.relevant.items()) / len(self.relevant)


def recall_at(
    retriever: Retriever,
    queries: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, int]],
    k: int = 100,
    *,
    identify: Callable[[Document], str | None] = lambda document: document.id,
) -> Recall:
    """R@k of `retriever` on judged queries, as ir_measures computes it, queries without a relevant document left out.

    `queries`: id -> text. `qrels`: query id -> document id -> grade, above 0 being relevant. `identify`: the id in qrels of a document that
    was found, for passages that were judged as a whole: lambda d: d.metadata["source"]; its best passage then counts.
    Raises InputError where no query can be measured, or a document that was found has no id.
    """
    check_depth("k", k)
    relevant = {query: {document for document, grade in judged.items() if grade > 0} for query, judged in qrels.items() if query in queries}
    asked = {query: wanted for query, wanted in relevant.items() if wanted}
    if not asked:
        raise InputError(f"none of {len(queries)} queries has a relevant document in qrels; do the ids agree?")
    began = perf_counter()
    ranks = {query: _ranks(retriever, queries[query], wanted, k, identify) for query, wanted in asked.items()}
    return Recall(
        retriever=retriever.name,
        k=k,
        relevant={query: len(wanted) for query, wanted in asked.items()},
        ranks=ranks,
        skipped=tuple(query for query in relevant if query not in asked),
        milliseconds=(perf_counter() - began) * 1e3 / len(asked),
    )


def _ranks(retriever: Retriever, query: str, wanted: set[str], k: int, identify: Callable[[Document], str | None]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for candidate in retriever.retrieve(query, k).candidates[:k]:
        found = identify(candidate.document)
        if found is None:
            raise InputError("a document without an id was found, which qrels cannot name; give documents ids, or pass identify=")
        if found in wanted:
            ranks.setdefault(found, candidate.rank)
    return ranks
