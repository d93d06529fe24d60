"""What is counted of one model for GET /monitor: requests, pairs, scores in twenty steps, latency of late, and drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..monitor.drift import DriftMonitor
from ..monitor.ring import Ring
from ..monitor.sketch import ScoreSketch
from ..types import Ranking, ScoreType

__all__ = ["EDGES", "LATENCY_PART", "LATENCY_PARTS", "ModelNumbers"]

EDGES = tuple(step / 20 for step in range(21))
"""Of the score histogram."""

LATENCY_PARTS, LATENCY_PART = 10, 100
"""Percentiles are of the last 1,000 to 1,100 requests: ten full parts of a hundred, and the one that is being filled."""


class ModelNumbers:
    """Constant in memory. Not locked: Metrics does that, but for the drift monitor, which locks itself."""

    def __init__(self, name: str, monitor: DriftMonitor | None = None) -> None:
        """`monitor`: None where the model is compared with nothing."""
        self.name = name
        self.monitor = monitor
        self.requests = 0
        self.pairs = 0
        self.unobserved = 0  # queries that could not be compared with the reference
        self.source = ""  # the model as it was loaded, and its revision, once it has ranked
        self.revision = ""
        self.histogram = np.zeros(len(EDGES) - 1, np.int64)
        self.score_sum = 0.0
        self.differences: tuple[str, ...] = ()
        self._latency = Ring(lambda: ScoreSketch("positive"), kept=LATENCY_PARTS)

    def took(self, seconds: float) -> None:
        """A request was answered well, after so long."""
        self._latency.current.add([seconds * 1e3])
        if self._latency.current.n >= LATENCY_PART:
            self._latency.turn()

    def count_scores(self, scores: Sequence[float], score_type: ScoreType) -> None:
        """Into the histogram, whose steps are of probabilities: logits are left out."""
        if score_type == "logit" or not scores:
            return
        places = np.minimum((np.asarray(scores, np.float64) * 20 + 1e-9).astype(np.int64), 19)  # 0.15 * 20 is 3 less a hair
        self.histogram += np.bincount(places, minlength=len(self.histogram))
        self.score_sum += float(sum(scores))

    def differ(self, ranking: Ranking) -> tuple[str, ...]:
        """What is new of the differences between a ranking and the reference: a sentence each, said once."""
        self.source, self.revision = ranking.model, ranking.revision
        if self.monitor is None:
            return ()
        said = self.monitor.reference.differences(model=ranking.model, revision=ranking.revision, score_type=ranking.score_type)
        fresh = tuple(one for one in said if one not in self.differences)
        self.differences = (*self.differences, *fresh)[-8:]  # a model's file may change under a server, but not for ever
        return fresh

    def comparable(self, ranking: Ranking) -> bool:
        """Whether its scores mean what the reference's mean."""
        return self.monitor is not None and ranking.score_type == self.monitor.reference.origin.score_type

    def fields(self) -> dict[str, Any]:
        """For JSON, but for the drift."""
        latency = self._latency.everything()
        percentiles = {name: latency.quantile(share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}
        return {
            "name": self.name,
            "requests": self.requests,
            "pairs": self.pairs,
            "score_histogram": {"edges": list(EDGES), "counts": self.histogram.tolist()},
            "latency_ms": {**percentiles, "n": latency.n},
        }

    def drift(self) -> dict[str, Any] | None:
        """For JSON; None where there is no reference."""
        if self.monitor is None:
            return None
        origin = self.monitor.reference.origin
        made_with = {"model": origin.model, "revision": origin.revision, "score_type": origin.score_type, "created": origin.created}
        own = {"unobserved": self.unobserved, "differences": list(self.differences)}
        return self.monitor.state().fields() | own | {"reference": made_with}
