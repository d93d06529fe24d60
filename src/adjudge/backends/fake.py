"""A judge without a model: word overlap. For tests, docs and work on protocols, never for real ranking."""

from __future__ import annotations

import numpy as np

from ..config import BackendConfig
from ..errors import BackendUnavailableError, ClosedError, UnsupportedModelError
from ..models.heads import EmbeddingHead, TokenHead
from ..models.model import Model
from .base import DOCUMENT, QUERY, Batch, Floats, Traits

__all__ = ["FakeBackend", "open_fake"]

LOWEST, HIGHEST = -4.0, 4.0
"""The logits of a document that shares nothing with the query, and of one that holds all of it."""


class FakeBackend:
    """logit = -4 + 8 * (share of the query's distinct token ids that the document holds), in the label that counts.

    Half of the words met gives 0, a score of 0.5. A query without tokens gives -4. Other labels and auxiliary heads get 0, except for
    coverage, which gets the same: a share of the query is what it means. The logit depends on
    the pair's own tokens alone, so it is the same in every batch, to the last bit. Works on the ids of whatever tokenizer the
    model brings; its weights are never read.
    """

    def __init__(self, model: Model) -> None:
        """Take the number of labels from `model`, and which one counts."""
        head = model.spec.head
        aspects: tuple[str, ...] = getattr(head, "aspects", ())
        coverage = [head.outputs - len(aspects) + aspects.index("coverage")] if "coverage" in aspects else []
        self._told = [getattr(head, "relevant", 0), *coverage]
        self._closed = False
        self._traits = Traits(
            backend="fake",
            device="cpu",
            precision="f32",
            outputs=head.outputs,
            padding_free=True,
            parallel=1,
            notes=("fake: scores are word overlap, not a model's judgement.",),
        )

    @property
    def traits(self) -> Traits:
        """What this backend is."""
        return self._traits

    def forward(self, batch: Batch) -> Floats:
        """Return (rows, outputs) float32 logits."""
        if self._closed:
            raise ClosedError("this model was closed; create a new Reranker")
        logits = np.zeros((batch.rows, self._traits.outputs), np.float32)
        for row in range(batch.rows):
            query = np.unique(batch.input_ids[row][batch.segments[row] == QUERY])
            met = np.isin(query, batch.input_ids[row][batch.segments[row] == DOCUMENT])
            share = float(met.mean()) if len(query) else 0.0
            logits[row, self._told] = LOWEST + (HIGHEST - LOWEST) * share
        return logits

    def close(self) -> None:
        """Refuse further work."""
        self._closed = True


def open_fake(model: Model, config: BackendConfig) -> FakeBackend:
    """A fake for `model`. Like every backend it refuses what it has not: another device, another precision, an embedder."""
    if config.device not in ("auto", "cpu"):
        raise BackendUnavailableError(f"the fake backend runs on the CPU, not on device={config.device!r}")
    if config.precision not in ("auto", "f32"):
        raise BackendUnavailableError(f"the fake backend computes in f32, not in precision={config.precision!r}")
    if isinstance(model.spec.head, EmbeddingHead | TokenHead):
        raise UnsupportedModelError(f"{model.name}: the fake backend judges pairs; it makes no embeddings")
    return FakeBackend(model)
