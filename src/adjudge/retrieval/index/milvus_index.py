"""An index in Milvus: for those who outgrow one machine, and in a file by Milvus Lite."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...engine.tokenise import clean
from ...errors import ClosedError, InputError, MissingExtraError, SearchIndexError
from ..base import Candidate, Where
from ..lexical import words
from .base import IndexedSource, IndexFacts
from .filters import milvus_filter, milvus_list
from .milvus_collections import STRONG, Collections, State, coded
from .milvus_file import hold, let_go
from .milvus_uri import MilvusAddress
from .milvus_writer import MilvusWriter, create_milvus
from .passages import candidates, require_k, require_vector

__all__ = ["MilvusIndex", "make_milvus"]

Found = TypeVar("Found")

MOST_HITS = 16_384
"""Milvus gives no more for one question."""

TRIES = 20
"""Commits that one question outlives; a writer commits every thirty seconds, so more than one is rare."""

SHOWN = ["id", "text", "source", "headings", "start_at", "end_at", "metadata"]


class MilvusIndex:
    """Passages in a Milvus collection. Safe to share between threads."""

    def __init__(self, address: MilvusAddress) -> None:
        """Open an index. Raises IndexNotFoundError, SearchIndexError where Milvus cannot be reached, MissingExtraError."""
        self.address = address
        self._closed = False
        with _translated(address):
            self._collections = _connected(address)
            with ExitStack() as undo:
                undo.callback(self.close)
                self._facts = self._collections.facts()
                undo.pop_all()

    @property
    def facts(self) -> IndexFacts:
        """What it is made with."""
        self._require_open()
        return self._facts

    def sources(self) -> Mapping[str, IndexedSource]:
        """All that is indexed, by key."""
        return self._steadily(lambda held, state: {s.key: s for s, batch in held.sources() if state.shows(s.key, batch)})

    def count(self, *, where: Where | None = None) -> int:
        """Passages, or those of them that `where` lets through."""
        condition = _condition(where)

        def count(held: Collections, state: State) -> int:
            rows = held.client.query(held.passages, filter=_both(state, condition), output_fields=["count(*)"], **STRONG)
            return int(rows[0]["count(*)"])

        return self._steadily(count)

    def by_vector(self, vector: NDArray[np.float32], k: int, *, where: Where | None = None) -> list[Candidate]:
        """The nearest by cosine, as exactly as the collection's vector index is."""
        wanted = require_vector(vector, self._facts.dimensions).tolist()
        return self._search([wanted], "vector", "COSINE", (k, _condition(where)))

    def by_words(self, query: str, k: int, *, where: Where | None = None) -> list[Candidate]:
        """The best by BM25 (k1 = 1.2, b = 0.75) over `lexical.words`."""
        terms, condition = coded(words(query)), _condition(where)
        require_k(k)
        found = self._search([terms], "words", "BM25", (k, condition)) if terms else []
        return [one for one in found if one.score > 0]

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """(ids, dimensions) stored vectors, row i for id i."""
        named = [clean(one) for one in ids]
        wanted = list(dict.fromkeys(named))

        def read(held: Collections, state: State) -> dict[str, list[float]]:
            found: dict[str, list[float]] = {}
            for first in range(0, len(wanted), 500):
                condition = f"id in {milvus_list(wanted[first : first + 500])}"
                rows = held.client.query(held.passages, filter=_both(state, condition), output_fields=["id", "vector"], **STRONG)
                found |= {row["id"]: row["vector"] for row in rows}
            return found

        found = self._steadily(read)
        missing = [wanted_id for wanted_id in wanted if wanted_id not in found]
        if missing:
            raise InputError(f"{len(missing)} of {len(wanted)} passages are not in the index; the first: {missing[0]!r}")
        return np.array([found[wanted_id] for wanted_id in named], np.float32).reshape(len(named), self._facts.dimensions)

    def writer(self) -> MilvusWriter:
        """The one who may change it. Raises IndexLockedError while there is another, in this process or elsewhere."""
        self._require_open()
        with _translated(self.address):
            return MilvusWriter(self._collections, self._facts, self.address)

    def check(self) -> None:
        """Read everything once. Raises SearchIndexError for what cannot be read."""
        with self._asking() as (held, state):
            rows = sum(1 for _ in held.rows(held.passages, state.condition(), ["id"]))
        recorded = sum(source.chunks for source in self.sources().values())
        if rows != recorded:
            raise SearchIndexError(f"{self.address} should hold {recorded:,} passages, and gives {rows:,}; build it again with --rebuild")

    def close(self) -> None:
        """Give back the connection. Safe to call twice."""
        if not self._closed:
            self._closed = True
            _disconnect(self._collections, self.address)

    def _search(self, data: list[Any], field: str, metric: str, wanted: tuple[int, str | None]) -> list[Candidate]:
        k, condition = wanted
        require_k(k)

        def search(held: Collections, state: State) -> list[Candidate]:
            options: dict[str, Any] = {"anns_field": field, "search_params": {"metric_type": metric}, "output_fields": SHOWN}
            options |= {"filter": _both(state, condition), "limit": min(k, MOST_HITS)}
            hits = held.client.search(held.passages, data, **options, **STRONG)[0]
            return candidates(_shown(hit["entity"], hit["distance"], metric) for hit in hits)

        return self._steadily(search)

    def _steadily(self, read: Callable[[Collections, State], Found]) -> Found:
        """What is read between two looks at the same state: a commit in between may have taken out what the first one still shows."""
        with self._asking() as (held, state):
            for _ in range(TRIES):
                found, seen = read(held, state), state
                state = held.state()
                if state == seen:
                    return found
        raise SearchIndexError(f"{self.address} changed {TRIES} times while it was read; ask again when its writer has done")

    @contextmanager
    def _asking(self) -> Iterator[tuple[Collections, State]]:
        self._require_open()
        with _translated(self.address):
            yield self._collections, self._collections.state()

    def _require_open(self) -> None:
        if self._closed:
            raise ClosedError("this index was closed; open it again")


def make_milvus(address: MilvusAddress, facts: IndexFacts, *, rebuild: bool) -> None:
    """Make an empty index at `address`, unless there is one. `rebuild`: throw away what is there."""
    with _translated(address):
        collections = _connected(address)
        try:
            create_milvus(collections, facts, address, rebuild=rebuild)
        finally:
            _disconnect(collections, address)


def _connected(address: MilvusAddress) -> Collections:
    """A client of its own for each index. Raises MissingExtraError without pymilvus."""
    try:
        from pymilvus import MilvusClient
    except ImportError:
        raise MissingExtraError(package="pymilvus", extra="milvus", what="an index in Milvus") from None
    with ExitStack() as undo:
        if address.file is not None:
            hold(address.file)
            undo.callback(let_go, address.file)
        collections = Collections(MilvusClient(uri=address.uri, token=address.token), address.collection)
        undo.pop_all()
    return collections


def _disconnect(collections: Collections, address: MilvusAddress) -> None:
    collections.client.close()
    if address.file is not None:
        let_go(address.file)


@contextmanager
def _translated(address: MilvusAddress) -> Iterator[None]:
    """Milvus's own error as ours."""
    try:
        from pymilvus.exceptions import MilvusException
    except ImportError:
        raise MissingExtraError(package="pymilvus", extra="milvus", what="an index in Milvus") from None
    try:
        yield
    except MilvusException as exc:
        raise SearchIndexError(f"Milvus at {address} failed: {str(exc)[:300]}") from exc


def _condition(where: Where | None) -> str | None:
    """An expression with U+FFFD for halves of characters, as what is stored has it."""
    condition = milvus_filter(where)
    return None if condition is None else clean(condition)


def _both(state: State, condition: str | None) -> str:
    seen = state.condition()
    return seen if condition is None else f"({seen}) and ({condition})"


def _shown(row: Mapping[str, Any], score: float, metric: str) -> tuple[Mapping[str, Any], float]:
    shown = {"headings": json.loads(row["headings"]), "start": row["start_at"], "end": row["end_at"]}
    return dict(row) | shown, abs(score) if metric == "BM25" else score  # Milvus Lite has BM25 as a distance, below 0
