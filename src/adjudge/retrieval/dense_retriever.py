"""DenseRetriever: the first stage that compares one vector a text."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from time import perf_counter
from typing import Protocol, Self

import numpy as np

from ..models.model import Model
from ..types import DocumentLike
from .base import Where
from .corpus import Corpus, Search, Stage, best
from .dense import Embedder, Embeddings, Kind
from .index.base import Index
from .index.model_facts import require_same_model

__all__ = ["BiEncoder", "DenseRetriever"]


class BiEncoder(Protocol):
    """What makes the vectors: an Embedder, or a TokenEncoder for bge-m3."""

    model: Model

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        ...

    def embed_detailed(self, texts: Iterable[str], *, kind: Kind) -> Embeddings:
        """Unit vectors."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...


class DenseRetriever(Stage):
    """The nearest documents by the cosine of their vector and the query's. Finds meaning across words and languages; scores are cosines."""

    @classmethod
    def from_documents(cls, documents: Iterable[DocumentLike], embedder: BiEncoder | None = None, *, name: str = "dense") -> Self:
        """Embed `documents` now and hold the vectors in memory (1.5 KB a document); every search compares with all of them.

        `embedder`: None loads the shipped one, which close() then frees.
        """
        corpus = Corpus.of(documents)
        encoder = Embedder() if embedder is None else embedder
        vectors = encoder.embed_detailed(corpus.texts, kind="document").vectors

        def find(query: str, k: int, where: Where | None) -> Search:
            asked, embed_ms, warnings = _embed(encoder, query)
            began = perf_counter()
            scores = np.asarray(vectors @ asked, np.float32)
            found = corpus.candidates(best(scores, k, corpus.allowed(where)), scores)
            return Search(found=found, timings={"embed": embed_ms, name: (perf_counter() - began) * 1e3}, warnings=warnings)

        return cls(name, find, close=encoder.close if embedder is None else None, refused=corpus.refused)

    @classmethod
    def from_index(cls, index: Index, embedder: BiEncoder | None = None, *, name: str = "dense") -> Self:
        """Search the vectors of an open index. The index stays yours to close.

        `embedder`: None loads the model that the index was made with, which close() then frees. Raises IndexMismatchError where a
        given one is of another model: its vectors would mean nothing there.
        """
        encoder = Embedder(index.facts.model) if embedder is None else embedder
        with ExitStack() as on_failure:
            if embedder is None:
                on_failure.callback(encoder.close)
            require_same_model(index.facts, encoder)
            on_failure.pop_all()

        def find(query: str, k: int, where: Where | None) -> Search:
            asked, embed_ms, warnings = _embed(encoder, query)
            began = perf_counter()
            found = [(one.document, one.score) for one in index.by_vector(asked, k, where=where)]
            return Search(found=found, timings={"embed": embed_ms, name: (perf_counter() - began) * 1e3}, warnings=warnings)

        return cls(name, find, close=encoder.close if embedder is None else None)


def _embed(encoder: BiEncoder, query: str) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """(vector, milliseconds, warnings)."""
    began = perf_counter()
    made = encoder.embed_detailed([query], kind="query")
    warnings = ("the query is longer than the bi-encoder reads; its end is not in its vector",) if made.truncated else ()
    return made.vectors[0], (perf_counter() - began) * 1e3, warnings
