"""Calibration: fit temperature and bias on one half of labelled pairs, and measure on the other half what that is worth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..engine.cutoffs import Precision, Recall
from ..engine.scores import to_scores
from ..errors import ConfigError, InputError
from ..models.calibration import Calibration
from .calibration_error import Bin, Quality, bins, quality
from .separation import Kept, auc, auc_error, best_cutoff, cutoff_table, kept_at, why_not

__all__ = [
    "LEAST_OF_A_CLASS",
    "RULES",
    "CalibrationReport",
    "Half",
    "Recommendation",
    "calibrate",
    "check_labels",
    "first_half",
    "fit",
    "rounded",
]

Floats = NDArray[np.float64]

LEAST_OF_A_CLASS = 50
"""Fewer relevant or irrelevant pairs than this say nothing about cut-offs."""

LEAST_IN_A_HALF = 10

DIAGRAM_BINS = 10

_MOST = 1e6  # models/calibration.py reads no larger temperature or bias, and no temperature below 1 / _MOST

RULES: tuple[Precision | Recall, ...] = (
    *(Precision(0.95), Precision(0.9), Precision(0.8)),
    *(Recall(0.95), Recall(0.9), Recall(0.8)),
)
"""What is recommended a cut-off for, beside the best F1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One half of the pairs; all pairs of a query are in the same one."""

    queries: int
    pairs: int
    relevant: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A cut-off for one aim: chosen on the half that was fitted on, measured on the other."""

    rule: str  # "best F1", "precision:0.9", "recall:0.9", "keep all"
    measured: Kept | None  # None where no cut-off reaches the aim
    reason: str = ""  # why not


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationReport:
    """What was fitted, and what it is worth on pairs that it was not fitted on."""

    calibration: Calibration  # without cut-offs where none separates
    fitted_on: Half
    measured_on: Half
    before: Quality  # of the scores as the model gave them so far
    after: Quality
    bins_before: tuple[Bin, ...]
    bins_after: tuple[Bin, ...]
    auc: float
    auc_error: float  # its standard error
    why_not: str  # why no cut-off separates; "" where one does
    recommended: tuple[Recommendation, ...]

    @property
    def separates(self) -> bool:
        """Whether there is a cut-off worth having."""
        return not self.why_not


def calibrate(
    logits: Sequence[float] | Floats, relevant: Sequence[bool] | Floats, queries: Sequence[str], *, current: Calibration | None = None
) -> CalibrationReport:
    """Fit and measure, given the logit, the label and the query of each pair; `current` is the calibration the model has so far.

    Half of the queries (by hash, so that a second run takes the same) are fitted on and give the cut-offs, the others are measured on.
    Raises InputError where there are too few pairs of either kind for that.
    """
    values, labels = np.asarray(logits, np.float64), np.asarray(relevant, np.float64)
    if values.shape != labels.shape or not (np.abs(values) <= np.finfo(np.float32).max).all():  # NaN fails the comparison
        raise InputError(f"as many logits as labels are needed, all finite in float32, not {values.shape} and {labels.shape}")
    first = check_labels(labels, queries)
    fitted = _fitted(values[first], labels[first])
    before = _scores(values, Calibration() if current is None else current)
    after = _scores(values, fitted)
    rest, held_out = ~first, labels[~first]
    best = best_cutoff(after[first], labels[first])
    obstacle = why_not(after[rest], held_out, cutoff=best)
    table = () if obstacle else cutoff_table(after[first], labels[first])
    fitted = replace(fitted, cutoffs=table)
    area = auc(after[rest], held_out)
    return CalibrationReport(
        calibration=fitted,
        fitted_on=_half(first, labels, queries),
        measured_on=_half(rest, labels, queries),
        before=quality(before[rest], held_out),
        after=quality(after[rest], held_out),
        bins_before=bins(before[rest], held_out, count=DIAGRAM_BINS),
        bins_after=bins(after[rest], held_out, count=DIAGRAM_BINS),
        auc=area,
        auc_error=auc_error(area, int(held_out.sum()), int((1 - held_out).sum())),
        why_not=obstacle,
        recommended=_recommended(fitted, best, after[rest], held_out),
    )


def check_labels(relevant: Sequence[bool] | Floats, queries: Sequence[str]) -> NDArray[np.bool_]:
    """Which pairs will be fitted on, where there are enough for that and for measuring; asked for before a model scores them.

    Raises InputError otherwise, which says what lacks.
    """
    labels = np.asarray(relevant, np.float64)
    if labels.shape != (len(queries),) or not np.isin(labels, (0.0, 1.0)).all():
        raise InputError(f"one label, true or false, is needed for each of {len(queries)} pairs")
    counts = {"relevant": int(labels.sum()), "irrelevant": int((1 - labels).sum())}
    few = next((name for name, count in counts.items() if count < LEAST_OF_A_CLASS), None)
    if few is not None:
        raise InputError(
            f"there are {counts['relevant']:,} relevant and {counts['irrelevant']:,} irrelevant pairs; calibration needs "
            f"{LEAST_OF_A_CLASS} of each at least, so label more {few} ones"
        )
    first = first_half(queries)
    halves = [int((labels[half] == kind).sum()) for half in (first, ~first) for kind in (0.0, 1.0)]
    if min(halves) < LEAST_IN_A_HALF:
        asked = len(set(queries))
        raise InputError(
            f"the pairs belong to {asked:,} {'query' if asked == 1 else 'queries'}, which cannot be divided into two halves with "
            f"{LEAST_IN_A_HALF} relevant and {LEAST_IN_A_HALF} irrelevant pairs each; label passages of more queries"
        )
    return first


def fit(logits: Floats, relevant: Floats, steps: int = 200) -> tuple[float, float]:
    """(temperature, bias) of sigmoid(logit / temperature + bias), by Newton's method with halved steps on the log loss (Platt, 1999).

    A weak pull, worth about one pair, keeps the answer finite where the labels are all alike or can be told apart without a mistake. It
    acts on logits that are centred and scaled by how they lie (`_place`), so that it does not matter around which number a model's logits
    lie nor how large they are: fit(a * logits + b) says the same probabilities, for a > 0. A judge whose logits say nothing, or the
    opposite, gets a temperature of 100 such spreads and the bias that goes with it: nearly one score for all, the share of relevant pairs.
    """
    centre, spread = _place(logits, relevant)
    scaled = (logits - centre) / spread
    odds = float(np.log((relevant.sum() + 1) / ((1 - relevant).sum() + 1)))
    weights = _newton(scaled, relevant, np.array([1.0, odds]), free=np.array([True, True]), steps=steps)
    if weights[0] < 0.01:
        weights = _newton(scaled, relevant, np.array([0.01, odds]), free=np.array([False, True]), steps=steps)
    temperature = spread / float(weights[0])
    return temperature, float(weights[1]) - centre / temperature


def _place(logits: Floats, relevant: Floats) -> tuple[float, float]:
    """(centre, spread): midway between the medians of the two kinds, and half of what lies between those or either kind's quartiles.

    There the bias is about the log-odds of the share of relevant pairs, however rare they are. Not the mean and the standard deviation,
    which one pair far away moves as far as it likes.
    """
    kinds = [logits[relevant == kind] for kind in (0.0, 1.0) if (relevant == kind).any()]
    low, middle, high = np.array([np.quantile(kind, (0.25, 0.5, 0.75)) for kind in kinds]).T
    least = 1e-6 * max(1.0, float(np.abs(logits).max()))  # less is what float32 makes of equal logits
    found = (max(float((high - low).max()), float(np.ptp(middle))) / 2, float(logits.std()))
    return float(middle.mean()), next((spread for spread in found if spread > least), 1.0)


def _fitted(logits: Floats, relevant: Floats) -> Calibration:
    """Raises InputError where a calibration file could not hold what was found."""
    temperature, bias = (rounded(value) for value in fit(logits, relevant))
    if not 1 / _MOST <= temperature <= _MOST or abs(bias) > _MOST:
        raise InputError(
            f"the logits, from {logits.min():g} to {logits.max():g}, would need a temperature of {temperature:g} and a bias of {bias:g}; "
            f"a calibration holds temperatures from {1 / _MOST:g} to {_MOST:g} and biases from {-_MOST:g} to {_MOST:g}. "
            "Scale or shift what the model gives"
        )
    return Calibration(temperature=temperature, bias=bias, fitted=True)


def first_half(queries: Sequence[str]) -> NDArray[np.bool_]:
    """Which pairs are fitted on: those whose query's hash is even."""
    even = {query: hashlib.sha256(f"half{query}".encode("utf-8", "surrogatepass")).digest()[0] % 2 == 0 for query in set(queries)}
    return np.array([even[query] for query in queries], np.bool_)


def rounded(value: float) -> float:
    """Nine digits that count, as many as float32 tells apart: what the file holds is what was measured."""
    return float(f"{value:.9g}")


def _newton(logits: Floats, relevant: Floats, start: Floats, *, free: NDArray[np.bool_], steps: int) -> Floats:
    """(slope, bias) with the least log loss; what is not `free` stays as at the start."""
    features = np.stack([logits, np.ones_like(logits)], 1)
    weights = start.copy()
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(features @ weights, -500, 500)))
        gradient = features.T @ (p - relevant) + (weights - start)
        curvature = (features * (p * (1 - p))[:, None]).T @ features + np.eye(2)
        change = np.zeros(2)
        change[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        while (
            _cost(features, relevant, weights - change, start) > _cost(features, relevant, weights, start) and np.abs(change).max() > 1e-12
        ):
            change /= 2
        weights = weights - change
        if np.abs(change).max() < 1e-9:
            break
    return weights


def _cost(features: Floats, relevant: Floats, weights: Floats, start: Floats) -> float:
    said = features @ weights
    return float((np.logaddexp(0, said) - relevant * said).sum() + 0.5 * ((weights - start) ** 2).sum())


def _scores(logits: Floats, calibration: Calibration) -> Floats:
    """Exactly what the engine makes of them."""
    return to_scores(logits.astype(np.float32), calibration, normalize=True)


def _recommended(calibration: Calibration, best: float, scores: Floats, relevant: Floats) -> tuple[Recommendation, ...]:
    everything = Recommendation(rule="keep all", measured=kept_at(0.0, scores, relevant))
    if not calibration.cutoffs:
        return (everything,)
    found = [everything, Recommendation(rule="best F1", measured=kept_at(best, scores, relevant))]
    for rule in RULES:
        try:
            cutoff = rule.bind(calibration).found.score
        except ConfigError as exc:
            found.append(Recommendation(rule=str(rule), measured=None, reason=str(exc)))
        else:
            found.append(Recommendation(rule=str(rule), measured=kept_at(cutoff, scores, relevant)))
    return tuple(found)


def _half(chosen: NDArray[np.bool_], relevant: Floats, queries: Sequence[str]) -> Half:
    asked = {query for query, taken in zip(queries, chosen, strict=True) if taken}
    return Half(queries=len(asked), pairs=int(chosen.sum()), relevant=int(relevant[chosen].sum()))
