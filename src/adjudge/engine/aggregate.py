"""From the windows of a document to the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..backends.base import Floats
from ..config import WindowConfig
from ..errors import ConfigError

__all__ = ["Aggregate", "aggregate"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A document's logit, and the window that speaks for it."""

    logit: float
    window: int


def aggregate(logits: Floats, config: WindowConfig, intents: Callable[[], Floats] | None = None) -> Aggregate:
    """Join the logits of one document's windows, (windows,) float32, at least one.

    max: the best window. first: the first. mean: the mean of all logits. top_k_mean: the mean of the `top_k` best. importance: the
    mean weighed by softmax(intent / temperature), `intents` giving (windows,) float32, asked only where there is a choice. Means are
    taken over logits, not probabilities, so that windows beyond saturation still count. The window that speaks is the best one (the
    first for "first", for "importance" the one with the most weight); of equals, the earliest.
    """
    best = int(np.argmax(logits))
    if len(logits) == 1:
        return Aggregate(float(logits[0]), 0)
    if config.aggregation == "first":
        return Aggregate(float(logits[0]), 0)
    if config.aggregation == "mean":
        return Aggregate(float(np.mean(logits, dtype=np.float32)), best)
    if config.aggregation == "top_k_mean":
        top = np.sort(logits)[::-1][: config.top_k]
        return Aggregate(float(np.mean(top, dtype=np.float32)), best)
    if config.aggregation == "importance":
        if intents is None:
            raise ConfigError("windows are weighed by importance, and nobody said how each meets the query")
        weights = _softmax(intents(), config.temperature)
        return Aggregate(float(np.float32(weights @ logits.astype(np.float64))), int(np.argmax(weights)))
    return Aggregate(float(logits[best]), best)


def _softmax(values: Floats, temperature: float) -> np.ndarray:
    """exp(v / T) / sum, float64; the largest is taken out first, so that neither end overflows."""
    with np.errstate(over="ignore"):  # a very small T makes infinities of differences, which is what it asks for
        shifted = (values.astype(np.float64) - float(values.max())) / temperature
    raised = np.exp(shifted)
    weights: np.ndarray = raised / raised.sum()
    return weights
