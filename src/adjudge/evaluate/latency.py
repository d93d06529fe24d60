"""What was timed, as percentiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .result_parts import Latency

__all__ = ["latency_of", "pair_latency"]


def latency_of(milliseconds: Sequence[float]) -> Latency | None:
    """None where nothing was timed."""
    if not milliseconds:
        return None
    p50, p95 = np.quantile(milliseconds, (0.5, 0.95))
    return Latency(p50=float(p50), p95=float(p95), mean=float(np.mean(milliseconds)), count=len(milliseconds))


def pair_latency(milliseconds: Sequence[float], pairs: Sequence[int]) -> Latency | None:
    """Of each query, its time over its number of pairs; queries without any are left out."""
    return latency_of([took / count for took, count in zip(milliseconds, pairs, strict=True) if count])
