"""What cutting a ranking at a score gives: precision and recall at every cut-off, and whether any cut-off separates at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models.calibration import CutOff

__all__ = ["AUC_LEAST", "F1_GAIN", "LEAST_KEPT", "ROWS", "Kept", "auc", "auc_error", "best_cutoff", "cutoff_table", "kept_at", "why_not"]

Floats = NDArray[np.float64]

LEAST_KEPT = 20
"""A precision measured on fewer pairs than this is luck, and makes no row of the table."""

ROWS = 100
"""The table holds at most so many cut-offs."""

AUC_LEAST = 0.6
F1_GAIN = 0.01
"""See why_not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What keeping everything from `score` on gives."""

    score: float
    precision: float | None  # None where nothing is kept
    recall: float
    f1: float
    share: float  # of all pairs, how many are kept


@dataclass(frozen=True, slots=True)
class _Curve:
    """Every cut-off that changes what is kept, from the lowest score (all kept) up."""

    scores: Floats
    hits: NDArray[np.int64]  # relevant pairs kept
    kept: NDArray[np.int64]
    relevant: int  # in all


def kept_at(score: float, scores: Floats, relevant: Floats) -> Kept:
    """Precision, recall and F1 of keeping scores >= `score`, on (n,) scores and labels; at least one label is 1."""
    chosen = scores >= score
    kept, hits, every = int(chosen.sum()), int(relevant[chosen].sum()), int(relevant.sum())
    return Kept(
        score=score,
        precision=hits / kept if kept else None,
        recall=hits / every,
        f1=2 * hits / (kept + every),
        share=kept / len(scores),
    )


def best_cutoff(scores: Floats, relevant: Floats) -> float:
    """The score from which on keeping everything has the highest F1, the lowest of several."""
    curve = _curve(scores, relevant)
    f1 = 2 * curve.hits / (curve.kept + curve.relevant)
    return _floor(curve.scores[int(np.argmax(f1))])


def cutoff_table(scores: Floats, relevant: Floats) -> tuple[CutOff, ...]:
    """The cut-offs worth having, ascending: none that another beats in precision and recall both.

    At most ROWS, evenly over the recall, the lowest and the highest among them, each with LEAST_KEPT pairs or more behind it. Numbers
    are rounded down, so that they promise no more than was measured.
    """
    if not relevant.any() or len(scores) < LEAST_KEPT:
        return ()
    curve = _curve(scores, relevant)
    precision, recall = curve.hits / curve.kept, curve.hits / curve.relevant
    front = np.flatnonzero((precision > _highest_before(precision)) & (curve.kept >= LEAST_KEPT))
    front = front[np.append(recall[front][:-1] > recall[front][1:], True)]
    rows: list[CutOff] = []
    for at in _thinned(front, recall[front]):
        row = CutOff(score=_floor(curve.scores[at]), precision=_share(precision[at]), recall=_share(recall[at]))
        if not rows or row.score > rows[-1].score:  # scores that saturate may round to the same
            rows.append(row)
    return tuple(rows)


def auc(scores: Floats, relevant: Floats) -> float:
    """The chance that a relevant pair scores higher than an irrelevant one, ties as half; 0.5 says that scores know nothing.

    NaN where one of the two kinds is missing.
    """
    chosen = relevant > 0.5
    positives, negatives = int(chosen.sum()), int((~chosen).sum())
    if not positives or not negatives:
        return math.nan
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]  # equal scores share the mean of their ranks
    return float((ranks[chosen].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def auc_error(area: float, positives: int, negatives: int) -> float:
    """The standard error of an AUC (Hanley and McNeil, "The meaning and use of the area under a ROC curve", 1982)."""
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (first - area**2) + (negatives - 1) * (second - area**2)
    return math.sqrt(max(spread, 0.0) / (positives * negatives))


def why_not(scores: Floats, relevant: Floats, *, cutoff: float) -> str:
    """Why no cut-off separates, or "" where one does; `cutoff` is the best one, chosen on other pairs.

    A cut-off separates when a relevant pair outscores an irrelevant one in AUC_LEAST of all cases, which must also be more than chance
    can explain (two standard errors above 0.5), and when cutting there beats keeping everything by F1_GAIN in F1.
    """
    area = auc(scores, relevant)
    error = auc_error(area, int(relevant.sum()), int((1 - relevant).sum()))
    if area + 2 * error < 0.5:
        return f"the scores are upside down: a relevant pair outscores an irrelevant one in only {area:.0%} of all cases (50% is chance)"
    if area < AUC_LEAST or area - 2 * error <= 0.5:
        chance = "50% is chance" if area < AUC_LEAST else f"give or take {2 * error:.0%}, and 50% is chance"
        return f"a relevant pair outscores an irrelevant one in only {area:.0%} of all cases ({chance})"
    best, everything = kept_at(cutoff, scores, relevant).f1, kept_at(0.0, scores, relevant).f1
    if best < everything + F1_GAIN:
        return f"the best cut-off reaches an F1 of {best:.2f}, and keeping everything {everything:.2f}"
    return ""


def _curve(scores: Floats, relevant: Floats) -> _Curve:
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(ordered[1:] != ordered[:-1], True)  # equal scores are kept together
    hits = np.cumsum(relevant[order] > 0.5)[last][::-1]
    kept = np.arange(1, len(scores) + 1)[last][::-1]
    return _Curve(ordered[last][::-1], hits, kept, int(hits[0]))


def _highest_before(values: Floats) -> Floats:
    """The highest of all earlier values; below everything for the first."""
    return np.concatenate([[-1.0], np.maximum.accumulate(values)[:-1]])


def _thinned(front: NDArray[np.intp], recall: Floats) -> list[int]:
    """At most ROWS of the positions, the first and the last among them."""
    if len(front) <= ROWS:
        return [int(at) for at in front]
    wanted = np.linspace(recall[0], recall[-1], ROWS)
    nearest = np.unique([int(np.argmin(np.abs(recall - value))) for value in wanted])
    return [int(front[n]) for n in nearest]


def _floor(score: float) -> float:
    """Six digits, never more than the score itself, which must be kept."""
    return math.floor(score * 1e6) / 1e6


def _share(value: float) -> float:
    """Four digits, rounded down but for the last bit that floats add: 0.57 stays 0.57."""
    return math.floor(value * 1e4 + 1e-9) / 1e4
