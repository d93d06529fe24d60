"""How far probabilities are from what happens: bins of a reliability diagram, and single numbers for the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Bin", "Quality", "bins", "brier_score", "equal_mass_error", "expected_error", "quality", "wilson"]

Floats = NDArray[np.float64]

BINS = 15
"""As many as Guo et al. (2017) and most who report the measure since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Pairs whose scores lie in low <= score < high (the last bin holds 1.0 too)."""

    low: float
    high: float
    pairs: int
    said: float  # mean score
    found: float  # share that is relevant
    least: float  # a 95 % interval of that share (Wilson)
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How well scores are probabilities; 0 is perfect for all three."""

    expected_error: float
    equal_mass_error: float
    brier: float


def quality(scores: Floats, relevant: Floats) -> Quality:
    """All three measures of (n,) scores in 0..1 and (n,) labels 0 or 1."""
    return Quality(
        expected_error=expected_error(scores, relevant),
        equal_mass_error=equal_mass_error(scores, relevant),
        brier=brier_score(scores, relevant),
    )


def expected_error(scores: Floats, relevant: Floats) -> float:
    """Expected calibration error, 15 bins of equal width: the mean distance between what a bin says and what is found in it.

    Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", 2017.
    """
    return _mean_distance(_equal_width(scores, BINS), scores, relevant)


def equal_mass_error(scores: Floats, relevant: Floats) -> float:
    """The same over 15 bins of equally many pairs, which equal width does not hide in its first bin where most scores are low.

    Equal scores share a bin, so that the order of the pairs does not matter. Nixon et al., "Measuring calibration in deep learning", 2019.
    """
    if not len(scores):
        return 0.0
    edges = np.unique(np.quantile(scores, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    return _mean_distance(np.searchsorted(edges, scores, side="left"), scores, relevant)


def brier_score(scores: Floats, relevant: Floats) -> float:
    """The mean squared distance between score and label; unlike the others it also rewards telling pairs apart (Brier, 1950)."""
    return float(np.mean((scores - relevant) ** 2))


def bins(scores: Floats, relevant: Floats, *, count: int) -> tuple[Bin, ...]:
    """The bins of equal width that hold anything, in ascending order."""
    places = _equal_width(scores, count)
    found = []
    for place in np.unique(places):
        chosen = places == place
        pairs, hits = int(chosen.sum()), int(relevant[chosen].sum())
        least, most = wilson(hits, pairs)
        edges = {"low": float(place / count), "high": float((place + 1) / count)}
        found.append(Bin(**edges, pairs=pairs, said=float(scores[chosen].mean()), found=hits / pairs, least=least, most=most))
    return tuple(found)


def wilson(hits: int, pairs: int) -> tuple[float, float]:
    """A 95 % interval of a share, good also near 0 and 1 and for few pairs (Wilson, 1927)."""
    z = 1.959964
    centre = (hits + z * z / 2) / (pairs + z * z)
    reach = z * math.sqrt(hits * (pairs - hits) / pairs + z * z / 4) / (pairs + z * z)
    least = 0.0 if hits == 0 else max(0.0, centre - reach)
    most = 1.0 if hits == pairs else min(1.0, centre + reach)  # rounding alone would leave the share outside
    return least, most


def _equal_width(scores: Floats, count: int) -> NDArray[np.intp]:
    return np.minimum((scores * count).astype(np.intp), count - 1)


def _mean_distance(places: NDArray[np.intp], scores: Floats, relevant: Floats) -> float:
    """Sum over bins of |sum of scores - sum of labels|, over the number of pairs; 0 where there is none."""
    if not len(scores):
        return 0.0
    distance = np.bincount(places, scores - relevant)
    return float(np.abs(distance).sum() / len(scores))
