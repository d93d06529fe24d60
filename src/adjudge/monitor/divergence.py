"""How far two sketches lie apart: the population stability index and the Kolmogorov-Smirnov distance.

PSI = sum over bins of (p - q) ln(p / q), where p and q are the bin's shares now and in the reference: Kullback and Leibler's symmetric
divergence (1951), known under this name from credit scoring (Lewis, "An Introduction to Credit Scoring", 1994; Siddiqi, "Credit Risk
Scorecards", 2006, has the rule of thumb: below 0.1 little, above 0.25 a lot). The bins hold equally much of the reference.

KS = the largest distance between the two cumulative shares (Smirnov, 1948). It needs no bins; here it is taken at the borders of the
sketches' cells, so it can only come out smaller than on the numbers themselves, by what lies in one cell at the most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Counts", "equal_mass_borders", "in_bins", "ks_distance", "psi"]

Counts = NDArray[np.int64]

BINS = 10
"""Of PSI, as is usual. Fewer where many values are the same."""

_HALF = 0.5  # added to each count, as Jeffreys' prior does, so that an empty bin is no infinity


def equal_mass_borders(counts: Counts, bins: int = BINS) -> tuple[int, ...]:
    """The last cell of each bin but the last one: every bin holds about one of `bins` equal shares, and none is empty.

    Where one cell holds more than a share, there are fewer; none at all where all values lie in one cell.
    """
    total = int(counts.sum())
    if not total:
        return ()
    running = np.cumsum(counts)
    wanted = np.arange(1, bins) * total / bins
    borders = np.unique(np.searchsorted(running, wanted))
    return tuple(int(border) for border in borders if running[border] < total)


def in_bins(counts: Counts, borders: tuple[int, ...]) -> Counts:
    """(bins,) int64: the counts of the cells between the borders."""
    starts = np.array([0, *(border + 1 for border in borders)], np.int64)
    return np.add.reduceat(counts, starts)


def psi(reference: Counts, now: Counts) -> float:
    """Of two counts of the same bins. 0 where both have the same shares; symmetric."""
    bins = len(reference)
    q = (reference + _HALF) / (reference.sum() + _HALF * bins)
    p = (now + _HALF) / (now.sum() + _HALF * bins)
    return float(((p - q) * np.log(p / q)).sum())


def ks_distance(reference: Counts, now: Counts) -> float:
    """Of two counts of the same cells, 0 to 1. Both must hold something."""
    return float(np.abs(np.cumsum(reference) / reference.sum() - np.cumsum(now) / now.sum()).max())
