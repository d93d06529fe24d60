"""How strongly each window of a document meets the query, for windows weighed by importance. Cheap: token ids and their embeddings.

A coverage head says it of passages as long as those it was taught on, and nothing of windows: the shipped model's trusted the window
that answers in one document of fifteen, where words and embeddings found it in thirteen (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..backends.base import DOCUMENT, QUERY, Floats, Ints
from ..models.model import Model
from ..models.weights import Quantised
from .tokenise import PairIds

__all__ = ["Intent"]

_SHARPNESS = np.float32(5.0)
"""Coverage and similarity lie within 0..1 and mostly near each other; so much of a softmax over them must still choose."""


_WORDS_MEET = np.float32(0.1)
"""Coverage of the best window, from which the query's words are a guide. With questions and documents of one language it was 0.18 or more
in every document that answers, of two languages 0.05 or less in three of four."""


class Intent:
    """intent = 5 (c + s) + g z: c the share of the query's tokens that a window holds, rare ones counting more, s the cosine of the mean
    token embeddings of query and window, less that of the document's windows together, z the window's own logit.

    g = max(0, 1 - max(c) / 0.1): where the words of the question stand nowhere in the document, as across languages, the judge's own
    word is the guide.
    """

    def __init__(self, model: Model) -> None:
        """Takes the model's own embedding table; a model without one (an exported file) goes by coverage alone."""
        known = not model.exported_only and "word_embeddings.weight" in model.named
        self._table = model.named.tensor("word_embeddings.weight") if known else None

    def of(self, windows: Sequence[PairIds], logits: Floats) -> Floats:
        """(windows,) float32 for the windows of one document under one query; `logits`: what the judge said of each."""
        query = windows[0].ids[windows[0].segments == QUERY]
        texts = [w.ids[w.segments == DOCUMENT] for w in windows]
        covered = _coverage(np.unique(query), texts)
        strength = covered if self._table is None else covered + self._similarity(query, texts)
        apart = max(np.float32(0), 1 - covered.max() / _WORDS_MEET)
        return np.asarray(_SHARPNESS * strength + apart * logits, np.float32)

    def _similarity(self, query: Ints, texts: Sequence[Ints]) -> Floats:
        means = np.stack([self._mean(ids) for ids in (query, *texts)])
        cosines = means[1:] @ means[0]
        return np.asarray(cosines - cosines.mean(), np.float32)

    def _mean(self, ids: Ints) -> Floats:
        """The mean embedding of the different tokens, at length 1; zeros for none."""
        chosen, table = np.unique(ids), self._table
        values = table.values if isinstance(table, Quantised) else table
        if values is None or not len(chosen):
            return np.zeros(0 if values is None else values.shape[1], np.float32)
        rows = values[chosen] * table.scale[chosen, None] if isinstance(table, Quantised) else values[chosen]
        mean = rows.astype(np.float32).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def _coverage(query: Ints, texts: Sequence[Ints]) -> Floats:
    """(windows,) 0..1. A token in every window tells nothing about any, so each weighs log((n + 1) / (windows that hold it + 1/2))."""
    held = np.stack([np.isin(query, ids) for ids in texts]).astype(np.float32)
    weight = np.log((len(texts) + 1) / (held.sum(axis=0) + 0.5)).astype(np.float32)
    total = float(weight.sum())
    return np.asarray(held @ weight / total if total > 0 else held.mean(axis=1) if len(query) else np.zeros(len(texts)), np.float32)
