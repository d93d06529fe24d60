"""What a reranker's scores are worth on judged candidates: how they spread, whether they are probabilities, what a cut-off keeps."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from .calibration_error import bins, expected_error
from .result_parts import CutOffPoint, Distribution, ReliabilityBin, Scores
from .separation import auc, kept_at

__all__ = ["UNJUDGED", "worth_of"]

Floats = NDArray[np.float64]

UNJUDGED = -1.0
"""The label of a candidate that nobody judged."""

HISTOGRAM_BINS = 40
RELIABILITY_BINS = 10
CUTOFFS = 60


def worth_of(scores: Floats, labels: Floats, *, queries: int, score_type: str) -> Scores | None:
    """Of (n,) scores and (n,) labels 1, 0 or UNJUDGED; None where all are relevant or none is.

    What nobody judged counts as irrelevant, which is a little wrong; only the histograms keep it apart.
    """
    relevant = (labels > 0.5).astype(np.float64)
    if not len(scores) or relevant.all() or not relevant.any():
        return None
    probabilities = bool(scores.min() >= 0.0 and scores.max() <= 1.0) and score_type != "logit"
    area = auc(scores, relevant)
    return Scores(
        score_type=score_type,
        probabilities=probabilities,
        distribution=_distribution(scores, labels, probabilities=probabilities),
        auc=area if math.isfinite(area) else None,
        cutoffs=_cutoffs(scores, relevant, queries),
        reliability=tuple(ReliabilityBin(**asdict(b)) for b in bins(scores, relevant, count=RELIABILITY_BINS)) if probabilities else (),
        expected_error=expected_error(scores, relevant) if probabilities else None,
    )


def _distribution(scores: Floats, labels: Floats, *, probabilities: bool) -> Distribution:
    low, high = (0.0, 1.0) if probabilities else (float(scores.min()), float(scores.max()))
    edges = np.linspace(low, high if high > low else low + 1.0, HISTOGRAM_BINS + 1)
    relevant, judged = labels > 0.5, labels != UNJUDGED
    kinds = {"relevant": relevant, "irrelevant": judged & ~relevant, "unjudged": ~judged}
    counts = {name: tuple(int(n) for n in np.histogram(scores[chosen], edges)[0]) for name, chosen in kinds.items()}
    return Distribution(edges=tuple(float(edge) for edge in edges), **counts)


def _cutoffs(scores: Floats, relevant: Floats, queries: int) -> tuple[CutOffPoint, ...]:
    """At most CUTOFFS of them, half evenly over all scores and half over those of relevant candidates, where most happens."""
    half = np.linspace(0, 1, CUTOFFS // 2)
    places = [np.quantile(some, half, method="inverted_cdf") for some in (scores, scores[relevant > 0.5])]
    points = []
    for score in np.unique(np.concatenate(places)):
        kept = kept_at(float(score), scores, relevant)
        if kept.precision is not None:
            many = kept.share * len(scores) / queries
            points.append(CutOffPoint(score=kept.score, precision=kept.precision, recall=kept.recall, f1=kept.f1, kept_per_query=many))
    return tuple(points)
