"""Scores of different first stages on one scale: BM25 has no upper end, cosines crowd near 0.8."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, InputError
from .base import Retriever
from .corpus import check_depth

__all__ = ["Logistic", "MinMax", "Scaling", "fit_logistic", "fit_scalings"]

_STEPS = 100
_FLATTEST = 1e-12


class Scaling(Protocol):
    """Scores of one list, made comparable with those of other stages. Never changes their order."""

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Same shape, each 0 to 1."""
        ...


@dataclass(frozen=True, slots=True)
class MinMax:
    """(score - lowest) / (highest - lowest) of the list: needs no data, and says nothing of how good the best one is.

    `floor`: the lowest score the stage could give (0 for BM25, -1 for cosines), in the place of the list's own lowest, which else becomes
    0 like a document that was not found. Bruch, Gai and Ingber, "An analysis of fusion functions for hybrid retrieval", 2023.
    """

    floor: float | None = None

    def __post_init__(self) -> None:
        if self.floor is not None and not _finite(self.floor):
            raise ConfigError(f"floor must be a finite number or None, not {self.floor!r}")

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 for all where they are all alike."""
        if not len(scores):
            return scores
        low = scores.min() if self.floor is None else min(self.floor, scores.min())
        width = scores.max() - low
        return np.ones_like(scores) if width <= 0 else (scores - low) / width


@dataclass(frozen=True, slots=True)
class Logistic:
    """1 / (1 + exp(-(slope * score + intercept))): how likely a document with this score is relevant, fitted on judged ones."""

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if not _finite(self.slope) or not _finite(self.intercept) or self.slope < 0:
            raise ConfigError(f"slope={self.slope!r}, intercept={self.intercept!r}: they must be finite, and the slope not below 0")

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities."""
        return np.asarray(0.5 * (1 + np.tanh(0.5 * (self.slope * scores + self.intercept))))  # the same, and nothing overflows


def fit_logistic(scores: Sequence[float], relevant: Sequence[bool]) -> Logistic:
    """The curve that makes these judgements most likely, by Newton's method.

    With Platt's targets (1999) in the place of 0 and 1, so that scores that part the two perfectly still give a finite slope. A stage
    whose scores say nothing, or the opposite, gets the slope 0. Raises InputError unless there are relevant and irrelevant ones.
    """
    x, labels = np.asarray(scores, np.float64), np.asarray(relevant, np.bool_)
    if x.shape != labels.shape or x.ndim != 1 or not np.isfinite(x).all():
        raise InputError(f"as many finite scores as judgements are needed, not {x.shape} and {labels.shape}")
    positive, negative = int(labels.sum()), int((~labels).sum())
    if not positive or not negative:
        raise InputError(f"{positive} relevant and {negative} irrelevant documents: both are needed to fit a curve between them")
    target = np.where(labels, (positive + 1) / (positive + 2), 1 / (negative + 2))
    centre, spread = float(x.mean()), float(x.std())
    flat = Logistic(0.0, math.log(target.mean() / (1 - target.mean())))
    if spread <= _FLATTEST * max(1.0, abs(centre)):
        return flat
    slope, intercept = _newton((x - centre) / spread, target)
    return Logistic(slope / spread, intercept - slope * centre / spread) if slope > 0 else flat


def _newton(x: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    """(slope, intercept) with the least cross-entropy, by Newton steps that are halved until they help."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    at, loss = np.zeros(2), _cross_entropy(np.zeros_like(x), target)
    for _ in range(_STEPS):
        probable = 0.5 * (1 + np.tanh(0.5 * design @ at))
        gradient = design.T @ (probable - target)
        curvature = design.T @ (design * (probable * (1 - probable))[:, None]) + np.eye(2) * _FLATTEST
        step = np.linalg.solve(curvature, gradient)
        while (after := _cross_entropy(design @ (at - step), target)) > loss and np.abs(step).max() > 1e-10:
            step = step / 2
        if after >= loss or np.abs(step).max() <= 1e-10:
            break
        at, loss = at - step, after
    return float(at[0]), float(at[1])


def _cross_entropy(logits: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float(np.sum(np.logaddexp(0, logits) - target * logits))


def fit_scalings(
    retrievers: Sequence[Retriever], queries: Mapping[str, str], qrels: Mapping[str, Mapping[str, int]], *, depth: int = 100
) -> dict[str, Logistic]:
    """A fitted curve for each retriever, by name, for Weighted(scaling=...). Fit on other queries than you report on.

    Takes the `depth` best of each query that has judgements; what nobody judged counts as irrelevant. Raises InputError where a
    retriever finds nothing relevant.
    """
    check_depth("depth", depth)
    fitted: dict[str, Logistic] = {}
    for retriever in retrievers:
        scores: list[float] = []
        relevant: list[bool] = []
        for identity in [query for query in qrels if query in queries]:
            for one in retriever.retrieve(queries[identity], depth).candidates:
                scores.append(one.score)
                relevant.append(one.document.id is not None and qrels[identity].get(one.document.id, 0) > 0)
        try:
            fitted[retriever.name] = fit_logistic(scores, relevant)
        except InputError as exc:
            raise InputError(f"the scores of {retriever.name!r} cannot be fitted: {exc}") from exc
    return fitted


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
