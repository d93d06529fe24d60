"""First stages over candidates that each query brings: scores are those of a search in all texts, of which only its own are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..retrieval.base import Candidate
from ..retrieval.corpus import Corpus, best
from ..retrieval.dense import Embedder
from ..retrieval.fusion import RRF, fuse
from ..retrieval.lexical import Lexical
from ..types import Document

__all__ = ["PoolStage"]

_Listed = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Positions of all texts that match, best first, and their scores."""


class PoolStage:
    """BM25, vectors, or both by reciprocal rank fusion, as BM25Retriever, DenseRetriever and HybridRetriever do it."""

    def __init__(self, name: str, documents: Iterable[Document]) -> None:
        """`name`: one of first_stage.RETRIEVERS. Counts words and embeds texts now."""
        self._name = name
        self._corpus = Corpus.of(documents)
        self._places = {document.id: at for at, document in enumerate(self._corpus.documents)}
        self._parts: dict[str, Callable[[str], _Listed]] = {}
        self._embedder: Embedder | None = None
        if name != "dense":
            self._parts["bm25"] = _words(self._corpus.texts)
        if name != "bm25":
            self._embedder = Embedder()
            self._parts["dense"] = _meaning(self._embedder, self._corpus.texts)

    def search(self, query: str, pool: Sequence[str]) -> list[tuple[str, float]]:
        """(id, score) of those of the pool that match, best first."""
        members = np.zeros(len(self._corpus.documents), np.bool_)
        members[[self._places[document] for document in pool if document in self._places]] = True
        lists = {name: self._within(members, *find(query), name=name) for name, find in self._parts.items()}
        found = fuse(lists, RRF(), k=len(members)) if len(lists) > 1 else lists[self._name]
        return [(candidate.document.id or "", candidate.score) for candidate in found]

    def close(self) -> None:
        """Free the model."""
        if self._embedder is not None:
            self._embedder.close()

    def _within(
        self, members: NDArray[np.bool_], positions: NDArray[np.int64], scores: NDArray[np.float32], *, name: str
    ) -> list[Candidate]:
        """Ranks are those among all texts: what is fused by rank must not depend on who else is in the pool."""
        places = np.flatnonzero(members[positions])
        return [
            Candidate(
                document=self._corpus.documents[positions[at]],
                score=float(scores[at]),
                rank=int(at) + 1,
                scores={name: float(scores[at])},
                ranks={name: int(at) + 1},
            )
            for at in places
        ]


def _words(texts: list[str]) -> Callable[[str], _Listed]:
    lexical = Lexical(texts)

    def find(query: str) -> _Listed:
        hits = lexical.search([query], k=len(texts))
        matching = hits.indices[0] >= 0
        return hits.indices[0][matching], hits.scores[0][matching]

    return find


def _meaning(embedder: Embedder, texts: list[str]) -> Callable[[str], _Listed]:
    vectors = embedder.embed_detailed(texts, kind="document").vectors

    def find(query: str) -> _Listed:
        scores = np.asarray(vectors @ embedder.embed_detailed([query], kind="query").vectors[0], np.float32)
        order = best(scores, len(texts), None)
        return order, scores[order]

    return find
