"""SparseRetriever: words that count as much as a model says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from ..backends.base import Floats
from .bm25 import BM25Retriever
from .index.base import Index
from .token_encoder import TokenEncoder, TokenStates, TokenWeights
from .token_stage import DEPTH, TokenStage

__all__ = ["Postings", "SparseRetriever"]


class SparseRetriever(TokenStage):
    """Learned sparse search: the sum over shared tokens of their weight in the query times that in the document.

    For models with a sparse head, such as bge-m3 (Chen et al., M3-Embedding, arXiv 2402.03216); pass one as `encoder`. Scores are above 0;
    a document that shares no weighted token with the query is not found.
    """

    default_name = "sparse"

    @classmethod
    def store(cls, encoder: TokenEncoder, texts: Sequence[str]) -> Postings:
        """The weights of all tokens, by token."""
        encoder.require_weights()
        return Postings(encoder, [encoder.weights(states) for states in encoder.encode(texts, kind="document")])

    @classmethod
    def from_index(cls, index: Index, encoder: TokenEncoder | None = None, *, depth: int = DEPTH, name: str | None = None) -> Self:
        """Weigh the `depth` best documents by BM25: an index stores no token weights. The index stays yours to close."""
        return cls.from_retriever(BM25Retriever.from_index(index), encoder, depth=depth, name=name)


class Postings:
    """For every token the texts that hold it, with its weight there."""

    def __init__(self, encoder: TokenEncoder, texts: Sequence[TokenWeights]) -> None:
        """Turn the texts' weights around."""
        self._encoder, self._size = encoder, len(texts)
        none = np.zeros(0, np.int32)
        ids = np.concatenate([none, *(text.ids for text in texts)])
        order = np.argsort(ids, kind="stable")
        self._ids = ids[order]
        self._texts = np.repeat(np.arange(len(texts)), np.array([len(text.ids) for text in texts], np.int64))[order]
        self._weights = np.concatenate([none.astype(np.float32), *(text.weights for text in texts)])[order]

    def scores(self, query: TokenStates) -> Floats:
        """(texts,) float32; -inf where no weighted token is shared."""
        asked = self._encoder.weights(query)
        scores = np.zeros(self._size, np.float32)
        starts, ends = np.searchsorted(self._ids, asked.ids, "left"), np.searchsorted(self._ids, asked.ids, "right")
        for weight, start, end in zip(asked.weights, starts, ends, strict=True):
            scores[self._texts[start:end]] += weight * self._weights[start:end]  # a token stands at most once for each text
        return np.where(scores > 0, scores, np.float32(-np.inf))
