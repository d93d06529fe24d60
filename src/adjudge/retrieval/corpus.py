"""A list of documents that retrievers search without a database, and how their scores become candidates."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..engine.documents import accept_documents, accept_query
from ..errors import ClosedError, ConfigError, InputError
from ..types import Document, DocumentLike, Refused
from .base import Candidate, Retrieval, Where
from .where import clauses, holds

__all__ = ["Corpus", "Search", "Stage", "best", "check_depth", "identity", "ranked"]

logger = logging.getLogger("adjudge")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents that hold text, each id once, and those that were refused."""

    documents: tuple[Document, ...]
    refused: tuple[Refused, ...] = ()

    @classmethod
    def of(cls, documents: Iterable[DocumentLike]) -> Corpus:
        """Take what Reranker.rank() takes. Raises InputError where nothing is left, or two documents have one id."""
        accepted = accept_documents(documents)
        kept = tuple(document for _, document in accepted.documents)
        if not kept:
            raise InputError(f"there is nothing to search: of {len(accepted.refused)} documents none holds text")
        seen: set[str] = set()
        for document in kept:
            if document.id is not None and document.id in seen:
                raise InputError(f"two documents have the id {document.id!r}; ids tell documents apart, so give each its own")
            seen.update([document.id] if document.id is not None else [])
        if accepted.refused:
            first = accepted.refused[0].message
            logger.warning("%d documents cannot be searched and are left out (the first: %s)", len(accepted.refused), first)
        return cls(kept, accepted.refused)

    @property
    def texts(self) -> list[str]:
        """In order."""
        return [document.text for document in self.documents]

    def allowed(self, where: Where | None) -> NDArray[np.int64] | None:
        """Positions of the documents that a filter lets through; None: all."""
        if where is None:
            return None
        conditions = clauses(where)
        return np.asarray(np.flatnonzero([holds(conditions, document.metadata) for document in self.documents]), np.int64)

    def candidates(self, positions: Iterable[int], scores: NDArray[np.float32]) -> list[tuple[Document, float]]:
        """The documents at `positions` with their entries of `scores`."""
        return [(self.documents[at], float(scores[at])) for at in positions]


def best(scores: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Positions of the `k` highest scores, best first, equal ones by position; -inf is no hit."""
    positions = np.asarray(np.flatnonzero(scores > -np.inf), np.int64)
    if allowed is not None:
        positions = np.intersect1d(positions, allowed, assume_unique=True)
    found = scores[positions]
    if k < len(found):
        least = np.partition(found, -k)[-k]
        positions, found = positions[found >= least], found[found >= least]
    order = np.argsort(-found, kind="stable")[:k]
    return np.asarray(positions[order], np.int64)


def ranked(found: Iterable[tuple[Document, float]], name: str) -> tuple[Candidate, ...]:
    """Candidates of the stage `name`, from documents and scores, best first."""
    return tuple(
        Candidate(document=document, score=score, rank=rank, scores={name: score}, ranks={name: rank})
        for rank, (document, score) in enumerate(found, 1)
    )


def identity(document: Document) -> tuple[str, str]:
    """What tells two documents apart when lists are joined: the id, or the text where there is none."""
    return ("text", document.text) if document.id is None else ("id", document.id)


def check_depth(name: str, value: object) -> int:
    """A number of documents to look for. Raises ConfigError below 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{name} must be a whole number of 1 or more, not {value!r}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a stage found for one query."""

    found: Sequence[tuple[Document, float]]  # best first
    timings: Mapping[str, float] | None = None  # milliseconds of its parts; None: it has none, and is timed as a whole
    warnings: tuple[str, ...] = ()
    earlier: Mapping[tuple[str, str], Candidate] | None = None  # what stages before it said of the documents, by identity


Finder: TypeAlias = "Callable[[str, int, Where | None], Search]"


class Stage:
    """What retrievers have in common: a name, checks, the clock, and that they can be closed."""

    def __init__(self, name: str, find: Finder, *, close: Callable[[], None] | None = None, refused: tuple[Refused, ...] = ()) -> None:
        """`find` does the work; `close` gives back what this retriever opened by itself."""
        if not isinstance(name, str) or not name:
            raise ConfigError(f"a retriever's name must be text, not {name!r}; tables and scores call it by that")
        self._name, self._find = name, find
        self.release = close
        self._closed = False
        self.refused = refused

    @property
    def name(self) -> str:
        """How tables and `scores` call it."""
        return self._name

    def retrieve(self, query: str, k: int = 100, *, where: Where | None = None) -> Retrieval:
        """The best `k` documents, fewer where fewer match; equal scores in the order of the documents. Safe to call from several threads.

        `where`: conditions on metadata (see Where, and where.parse_where for texts like "year>=2020").
        Raises InputError for a query without text or a senseless filter, ConfigError for k below 1, ClosedError after close().
        """
        if self._closed:
            raise ClosedError(f"the retriever {self._name!r} was closed; create a new one")
        accept_query(query)
        check_depth("k", k)
        if where is not None:
            clauses(where)
        began = perf_counter()
        search = self._find(query, k, where)
        timings = {self._name: (perf_counter() - began) * 1e3} if search.timings is None else search.timings
        found = ranked(search.found, self._name)
        if search.earlier is not None:
            found = tuple(_joined(candidate, search.earlier.get(identity(candidate.document))) for candidate in found)
        return Retrieval(query=query, candidates=found, timings=timings, warnings=search.warnings)

    def close(self) -> None:
        """Give back what it opened by itself; an index or a model that was handed in stays open. Safe to call twice."""
        if not self._closed:
            self._closed = True
            if self.release is not None:
                self.release()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self._name!r})"


def _joined(candidate: Candidate, earlier: Candidate | None) -> Candidate:
    if earlier is None:
        return candidate
    return replace(candidate, scores={**earlier.scores, **candidate.scores}, ranks={**earlier.ranks, **candidate.ranks})
