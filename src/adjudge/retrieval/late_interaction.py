"""LateInteractionRetriever: a vector for every token, compared one by one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Floats
from .dense_retriever import DenseRetriever
from .index.base import Index
from .token_encoder import TokenEncoder, TokenStates
from .token_stage import DEPTH, TokenStage

__all__ = ["LateInteractionRetriever", "TokenVectors", "max_similarity"]

BLOCK_TOKENS = 1 << 16
"""Document tokens compared at once: with a query of 32 tokens 8 MB of similarities."""


class LateInteractionRetriever(TokenStage):
    """Late interaction (Khattab and Zaharia, ColBERT, 2020): for each token of the query the most similar token of the document, averaged.

    Padding, special tokens and the model's prefix take no part. Scores are mean cosines, -1 to 1. The shipped encoder was not trained for
    this, and gives its last hidden states; bge-m3, given as `encoder`, was, and its colbert_linear is used.
    """

    default_name = "late_interaction"

    @classmethod
    def store(cls, encoder: TokenEncoder, texts: Sequence[str]) -> TokenVectors:
        """The vectors of all tokens."""
        encoder.require_vectors()
        return TokenVectors(encoder, [encoder.vectors(states).astype(np.float16) for states in encoder.encode(texts, kind="document")])

    @classmethod
    def from_index(cls, index: Index, encoder: TokenEncoder | None = None, *, depth: int = DEPTH, name: str | None = None) -> Self:
        """Compare the `depth` nearest documents token by token: an index stores one vector a passage. The index stays yours to close.

        `encoder`: of the model that the index was made with (None loads it); it also makes the vector that the index is asked with.
        """
        reader = TokenEncoder(index.facts.model) if encoder is None else encoder
        with ExitStack() as on_failure:
            if encoder is None:
                on_failure.callback(reader.close)
            stage = cls.from_retriever(DenseRetriever.from_index(index, reader), reader, depth=depth, name=name)
            stage.release = on_failure.pop_all().close
        return stage


class TokenVectors:
    """Token vectors of several texts end to end, in half the memory of float32."""

    def __init__(self, encoder: TokenEncoder, texts: Sequence[NDArray[np.float16]]) -> None:
        """Lay them end to end; a text without tokens has none."""
        self._encoder = encoder
        self._tokens = np.concatenate(texts) if texts else np.zeros((0, 0), np.float16)
        self._starts = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)

    def scores(self, query: TokenStates) -> Floats:
        """(texts,) float32 mean of the best cosines; -inf for texts without tokens."""
        return max_similarity(self._encoder.vectors(query), self._tokens, self._starts)


def max_similarity(query: Floats, tokens: NDArray[np.float16] | Floats, starts: NDArray[np.int64]) -> Floats:
    """(texts,) float32: for each row of `query` the largest dot product with a token of the text, averaged over the rows.

    `tokens`: (all tokens, size), text t has the rows starts[t]:starts[t + 1]. There is no padding, so none can be the most similar.
    Texts without tokens, and all texts where the query has none, get -inf.
    """
    scores = np.full(len(starts) - 1, -np.inf, np.float32)
    filled = np.flatnonzero(np.diff(starts))
    at = 0
    while at < len(filled) and len(query):
        first = starts[filled[at]]
        until = max(at + 1, int(np.searchsorted(starts[filled + 1], first + BLOCK_TOKENS, "right")))
        block = filled[at:until]
        similar = query @ tokens[first : starts[block[-1] + 1]].astype(np.float32).T
        scores[block] = np.maximum.reduceat(similar, starts[block] - first, axis=1).mean(axis=0)
        at = until
    return scores
