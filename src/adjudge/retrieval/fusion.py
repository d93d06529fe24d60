"""Several first stages' lists made into one: pure functions, so that weights can be tried on lists that were retrieved once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from ..errors import ConfigError
from .base import Candidate
from .corpus import identity
from .scores import MinMax, Scaling

__all__ = ["RRF", "Fusion", "Weighted", "check_fusion", "fuse"]


@dataclass(frozen=True, slots=True)
class RRF:
    """Reciprocal rank fusion: the sum over lists of weight / (k + rank). Scores play no part, so nothing needs to be comparable.

    Cormack, Clarke and Büttcher, SIGIR 2009, who found k = 60.
    """

    k: float = 60
    weights: Mapping[str, float] = field(default_factory=dict)  # by retriever name; one that is not named weighs 1

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int | float) or not 0 <= self.k < math.inf:
            raise ConfigError(f"k must be a finite number of 0 or more, not {self.k!r}")
        _check_weights(self.weights)


@dataclass(frozen=True, slots=True)
class Weighted:
    """The weighted mean of scaled scores; a document that a stage did not find has 0 there.

    `weights`: one for each retriever, by name: {"bm25": 0.3, "dense": 0.7}; only their proportions matter. `scaling`: one for all, or one
    for each name, such as scores.fit_scalings() gives.
    """

    weights: Mapping[str, float]
    scaling: Scaling | Mapping[str, Scaling] = field(default_factory=MinMax)

    def __post_init__(self) -> None:
        _check_weights(self.weights)
        if not sum(self.weights.values()) > 0:
            raise ConfigError("the weights are all 0 (or there are none), so every document would score alike")


Fusion: TypeAlias = RRF | Weighted


def check_fusion(fusion: Fusion, names: Sequence[str]) -> None:
    """Raise ConfigError where `fusion` names other lists than `names`, or lacks one that it needs."""
    if not isinstance(fusion, RRF | Weighted):
        raise ConfigError(f"fusion must be RRF(...) or Weighted(...), not {fusion!r}")
    unknown = sorted(set(fusion.weights) - set(names))
    if unknown:
        raise ConfigError(f"there is a weight for {', '.join(unknown)}, but the retrievers are named {', '.join(names)}")
    if isinstance(fusion, RRF):
        return
    for what, given in (("weight", fusion.weights), ("scaling", fusion.scaling)):
        lacking = [name for name in names if name not in given] if isinstance(given, Mapping) else []
        if lacking:
            raise ConfigError(f"there is no {what} for {', '.join(lacking)}; give one for each of {', '.join(names)} (0 is a weight)")


def fuse(lists: Mapping[str, Sequence[Candidate]], fusion: Fusion, *, k: int, name: str = "hybrid") -> tuple[Candidate, ...]:
    """The `k` best documents of several lists, by retriever name. Documents are the same where their ids are (without ids, their texts).

    A candidate keeps the scores and ranks of every stage that saw it. Equal scores go by the best rank in any list, then by list order.
    Raises ConfigError where `fusion` does not fit the lists.
    """
    check_fusion(fusion, list(lists))
    totals: dict[tuple[str, str], float] = {}
    seen: dict[tuple[str, str], list[Candidate]] = {}
    for stage, candidates in lists.items():
        for candidate, worth in zip(candidates, _worth(stage, candidates, fusion), strict=True):
            key = identity(candidate.document)
            totals[key] = totals.get(key, 0.0) + worth
            seen.setdefault(key, []).append(candidate)
    order = sorted(totals, key=lambda key: (-totals[key], min(one.rank for one in seen[key])))[:k]
    return tuple(_fused(seen[key], totals[key], rank, name) for rank, key in enumerate(order, 1))


def _worth(stage: str, candidates: Sequence[Candidate], fusion: Fusion) -> list[float]:
    """What each candidate adds to its document's score; 0 for a document's second place in one list."""
    if isinstance(fusion, RRF):
        worth = [fusion.weights.get(stage, 1.0) / (fusion.k + candidate.rank) for candidate in candidates]
    else:
        scaling = fusion.scaling[stage] if isinstance(fusion.scaling, Mapping) else fusion.scaling
        share = fusion.weights[stage] / sum(fusion.weights.values())
        worth = (share * scaling(np.array([candidate.score for candidate in candidates], np.float64))).tolist()
    met: set[tuple[str, str]] = set()
    for at, candidate in enumerate(candidates):
        key = identity(candidate.document)
        worth[at] = 0.0 if key in met else worth[at]
        met.add(key)
    return worth


def _fused(found: Sequence[Candidate], score: float, rank: int, name: str) -> Candidate:
    scores: dict[str, float] = {}
    ranks: dict[str, int] = {}
    for candidate in found:
        for stage in candidate.scores:  # in the order of the stages; of a document's two places in one list the first stays
            scores.setdefault(stage, candidate.scores[stage])
            ranks.setdefault(stage, candidate.ranks[stage])
    return Candidate(document=found[0].document, score=score, rank=rank, scores={**scores, name: score}, ranks={**ranks, name: rank})


def _check_weights(weights: object) -> None:
    if not isinstance(weights, Mapping):
        raise ConfigError(f'weights must be a mapping such as {{"bm25": 0.3, "dense": 0.7}}, not {weights!r}')
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
            raise ConfigError(f"the weight of {name!r} must be a finite number of 0 or more, not {weight!r}")
