"""From the windows of a document to the document."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..backends.base import Floats
from ..config import WindowConfig

__all__ = ["Aggregate", "aggregate"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A document's logit, and the window that speaks for it."""

    logit: float
    window: int


def aggregate(logits: Floats, config: WindowConfig) -> Aggregate:
    """Join the logits of one document's windows, (windows,) float32, at least one.

    max: the best window. first: the first. mean: the mean of all logits. top_k_mean: the mean of the `top_k` best. Means are
    taken over logits, not probabilities, so that windows beyond saturation still count. The window that speaks is the best
    one (the first for "first"); of equals, the earliest.
    """
    best = int(np.argmax(logits))
    if config.aggregation == "first":
        return Aggregate(float(logits[0]), 0)
    if config.aggregation == "mean":
        return Aggregate(float(np.mean(logits, dtype=np.float32)), best)
    if config.aggregation == "top_k_mean":
        top = np.sort(logits)[::-1][: config.top_k]
        return Aggregate(float(np.mean(top, dtype=np.float32)), best)
    return Aggregate(float(logits[best]), best)
