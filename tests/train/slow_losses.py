"""Every loss written out in numpy, one group after the other, straight from its formula: what the fast ones must equal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["aspects", "kl", "lambda_rank", "listwise", "margin_mse", "pairwise", "pointwise"]

Numbers = NDArray[np.float64]
Group = tuple[Numbers, Numbers, Numbers]
"""Logits, gains, teacher's logits of the real passages of one group; NaN for unknown."""


def listwise(groups: Sequence[Group]) -> float:
    """-sum of share(gain) * log softmax(logit)."""
    found = []
    for logits, gains, _ in groups:
        s, g = logits[~np.isnan(gains)], np.maximum(gains[~np.isnan(gains)], 0)
        if len(s) > 1 and g.sum() > 0:
            log_softmax = s - s.max() - math.log(np.exp(s - s.max()).sum())
            found.append(-float((g / g.sum() * log_softmax).sum()))
    return _mean(found)


def pairwise(groups: Sequence[Group]) -> float:
    """Mean of log(1 + exp(-(better - worse))), weighted by the difference of the gains."""
    found = []
    for logits, gains, _ in groups:
        cost = weight = 0.0
        for i in range(len(logits)):
            for j in range(len(logits)):
                if gains[i] > gains[j]:  # false for NaN
                    weight += gains[i] - gains[j]
                    cost += (gains[i] - gains[j]) * _softplus(logits[j] - logits[i])
        if weight:
            found.append(cost / weight)
    return _mean(found)


def lambda_rank(groups: Sequence[Group], mu: float = 10.0) -> float:
    """NDCG-Loss2++: sum over pairs of (rho + mu delta) |G_i - G_j| log(1 + exp(-(better - worse)))."""
    found = []
    for all_logits, all_gains, _ in groups:
        known = ~np.isnan(all_gains)
        logits, gains = all_logits[known], all_gains[known]
        power = 2.0 ** (3 * gains) - 1
        power = power - min(0.0, *power) if len(power) else power  # a gain is never below 0
        rank = {int(i): place for place, i in enumerate(np.argsort(-logits, kind="stable"), 1)}
        best = sum(p / math.log2(1 + place) for place, p in enumerate(sorted(power, reverse=True), 1))
        cost, any_pair = 0.0, False
        for i in range(len(logits)):
            for j in range(len(logits)):
                if gains[i] > gains[j]:
                    apart = abs(rank[i] - rank[j])
                    rho = abs(1 / math.log2(1 + rank[i]) - 1 / math.log2(1 + rank[j]))
                    delta = abs(1 / math.log2(1 + apart) - 1 / math.log2(2 + apart))
                    cost += (rho + mu * delta) * abs(power[i] - power[j]) / max(best, 1e-9) * _softplus(logits[j] - logits[i])
                    any_pair = True
        if any_pair:
            found.append(cost)
    return _mean(found)


def pointwise(groups: Sequence[Group]) -> float:
    """Mean of the cross entropy between the clamped gain and sigmoid(logit)."""
    found = []
    for logits, gains, _ in groups:
        known = ~np.isnan(gains)
        each = [g * _softplus(-s) + (1 - g) * _softplus(s) for s, g in zip(logits[known], gains[known].clip(0, 1), strict=True)]
        if each:
            found.append(sum(each) / len(each))
    return _mean(found)


def margin_mse(groups: Sequence[Group]) -> float:
    """Mean square of (student's margin - teacher's margin) to the teacher's best passage."""
    found = []
    for logits, _, teacher in groups:
        known = [i for i in range(len(logits)) if teacher[i] == teacher[i]]
        if len(known) > 1:
            best = max(known, key=lambda i: teacher[i])
            others = [i for i in known if i != best]
            found.append(sum(((logits[best] - logits[i]) - (teacher[best] - teacher[i])) ** 2 for i in others) / len(others))
    return _mean(found)


def kl(groups: Sequence[Group], temperature: float) -> float:
    """T^2 * sum of p log(p / q), p and q the softmaxes of teacher and student at temperature T."""
    found = []
    for logits, _, teacher in groups:
        known = ~np.isnan(teacher)
        if known.sum() > 1:
            p, q = (_softmax(x[known] / temperature) for x in (teacher, logits))
            found.append(float(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)) * temperature**2)
    return _mean(found)


def aspects(logits: Numbers, labels: Numbers) -> float:
    """Mean over the aspects of the mean cross entropy of the passages that are labelled in it."""
    found = []
    for column in range(labels.shape[1]):
        each = [y * _softplus(-s) + (1 - y) * _softplus(s) for s, y in zip(logits[:, column], labels[:, column], strict=True) if y == y]
        if each:
            found.append(sum(each) / len(each))
    return _mean(found)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _softmax(x: Numbers) -> Numbers:
    e = np.exp(x - x.max())
    result: Numbers = e / e.sum()
    return result


def _mean(found: Sequence[float]) -> float:
    return sum(found) / len(found) if found else 0.0
