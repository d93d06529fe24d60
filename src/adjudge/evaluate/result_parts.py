"""The smaller values of an Evaluation: means, costs, and what scores are worth."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cost", "CutOffPoint", "Distribution", "Estimate", "Latency", "ReliabilityBin", "Scores"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over queries, with a 95 % interval (bootstrap)."""

    mean: float
    low: float
    high: float
    queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds of wall clock."""

    p50: float
    p95: float
    mean: float
    count: int  # how many were timed, warm-up not among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a system takes, measured in the same run."""

    query_ms: Latency  # for all candidates of a query
    pair_ms: Latency | None = None  # the same over the number of candidates; None for a first stage
    load_ms: float | None = None  # until it could be asked; of a first stage with its index
    memory_mib: float | None = None  # the most that its process ever held
    memory_before_mib: float | None = None  # that process before the model was loaded
    pairs: int = 0  # that were timed
    runs: int = 1  # 2: it was killed once, and went on


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Histograms of scores over the same edges: bin i is edges[i] <= score < edges[i + 1], the last one holds its right edge too."""

    edges: tuple[float, ...]
    relevant: tuple[int, ...]
    irrelevant: tuple[int, ...]  # judged, and not relevant
    unjudged: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Pairs whose scores lie in low <= score < high."""

    low: float
    high: float
    pairs: int
    said: float  # mean score
    found: float  # share that is relevant
    least: float  # a 95 % interval of that share (Wilson)
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOffPoint:
    """What keeping every score from `score` on gives."""

    score: float
    precision: float
    recall: float  # of the relevant candidates
    f1: float
    kept_per_query: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a reranker's scores are worth. Documents that nobody judged count as irrelevant, but in `distribution`."""

    score_type: str  # "calibrated", "sigmoid", "logit", ...
    probabilities: bool  # whether they lie in 0..1; without it, no reliability
    distribution: Distribution
    auc: float | None  # the chance that a relevant candidate outscores an irrelevant one
    cutoffs: tuple[CutOffPoint, ...]  # ascending
    reliability: tuple[ReliabilityBin, ...] = ()
    expected_error: float | None = None  # expected calibration error, 15 bins
