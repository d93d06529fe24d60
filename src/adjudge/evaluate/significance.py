"""How sure a mean and a difference of means are, over queries."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["EXACT_UP_TO", "bootstrap_intervals", "holm", "permutation_p", "queries_needed"]

Floats = NDArray[np.float64]

EXACT_UP_TO = 14
"""With at most so many differing queries every sign is tried: 2**14 of them."""

_CELLS = 4_000_000  # drawn at once: 32 MB
_POWER, _LEVEL = 0.8416212, 1.959964  # normal quantiles of 80 % power and of 95 %, two-sided


def bootstrap_intervals(values: Floats, *, resamples: int, seed: int) -> tuple[Floats, Floats]:
    """(lows, highs), 95 % intervals of the means of the (n, m) values' columns, by the percentile bootstrap over rows.

    Rows are queries, drawn again with replacement, the same ones for every column. A column of differences of two systems, query by
    query, makes it the paired bootstrap. Efron and Tibshirani, "An introduction to the bootstrap", 1993; Sakai, "Evaluating evaluation
    metrics based on the bootstrap", SIGIR 2006. One row gives intervals of width 0.
    """
    count, columns = values.shape
    draw = np.random.default_rng(seed)
    means = np.empty((resamples, columns))
    rows = max(1, _CELLS // max(1, count))
    for first in range(0, resamples, rows):
        some = min(rows, resamples - first)
        drawn = draw.integers(0, count, (some, count)) + count * np.arange(some)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=some * count).reshape(some, count).astype(np.float64)
        means[first : first + some] = weights @ values / count
    low, high = np.quantile(means, (0.025, 0.975), axis=0)
    return low, high


def permutation_p(differences: Sequence[float] | Floats, *, resamples: int, seed: int) -> float:
    """Two-sided p-value of a paired permutation test: if the two systems were alike, each difference could as well have the other sign.

    Exact where at most EXACT_UP_TO queries differ; otherwise `resamples` random signs, of which the observed ones count as one more, so
    that p is never 0. Smucker, Allan, Carterette, "A comparison of statistical significance tests for information retrieval evaluation",
    CIKM 2007.
    """
    given = np.asarray(differences, np.float64)
    given = given[given != 0]  # both signs of 0 are the same
    if not len(given):
        return 1.0
    seen = abs(float(given.sum()))
    slack = 1e-9 * float(np.abs(given).sum())  # sums of the same numbers in another order differ in the last bits
    if len(given) <= EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2 ** len(given))[:, None] >> np.arange(len(given))) & 1)
        return float(np.mean(np.abs(signs @ given) >= seen - slack))
    draw = np.random.default_rng(seed)
    extreme, rows = 0, max(1, _CELLS // len(given))
    for first in range(0, resamples, rows):
        flips = draw.random((min(rows, resamples - first), len(given)), np.float32) < 0.5
        extreme += int((np.abs(np.where(flips, -given, given).sum(1)) >= seen - slack).sum())
    return (extreme + 1) / (resamples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number (Holm, 1979): at any level, the chance of a single false alarm among all stays below it."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    corrected, highest = [1.0] * len(p_values), 0.0
    for place, at in enumerate(order):
        highest = max(highest, min(1.0, p_values[at] * (len(p_values) - place)))
        corrected[at] = highest
    return corrected


def queries_needed(differences: Sequence[float] | Floats, *, least: float) -> int | None:
    """About how many queries would tell, four times in five, a difference like the one seen, or one of `least` where that is larger.

    From the spread of the differences: n = ((z_0.975 + z_0.8) * deviation / difference)^2. None where it cannot be said.
    """
    given = np.asarray(differences, np.float64)
    if len(given) < 2:
        return None
    size = max(abs(float(given.mean())), least)
    deviation = float(given.std(ddof=1))
    if size <= 0 or deviation <= 0:
        return None
    return max(len(given) + 1, math.ceil(((_LEVEL + _POWER) * deviation / size) ** 2))
