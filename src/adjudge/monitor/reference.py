"""A reference: how the scores of a model were distributed while all was well, and what made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..types import ScoreType
from .divergence import Counts, equal_mass_borders, in_bins
from .quantities import Quantity, Tally, measure
from .scales import Cells
from .sketch import ScoreSketch

__all__ = ["LEAST_QUERIES", "Origin", "QuantityReference", "Reference", "make_reference"]

LEAST_QUERIES = 50
"""Fewer say too little: thresholds would be so wide that only a wholly different distribution exceeds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What made the scores."""

    model: str
    revision: str
    score_type: ScoreType
    data: tuple[str, ...] = ()
    runtime: str = ""  # "openvino cpu int8": other precisions give a little different scores
    created: int = 0  # seconds since 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityReference:
    """One quantity of a reference."""

    sketch: ScoreSketch  # not to be written to
    borders: tuple[int, ...]  # last cells of PSI's bins (divergence.equal_mass_borders)
    group_size: float = 1.0  # values a query, as a value sees it
    within_query: tuple[float, ...] = ()  # how alike one query's values are, for each degree of freedom of PSI: 0 not at all, 1 the same
    within_query_ks: float = 0.0  # the same for KS, the largest

    @property
    def bins(self) -> Counts:
        """The counts of PSI's bins."""
        return in_bins(self.sketch.counts, self.borders)

    def psi_weights(self, n: int, group_size: float) -> tuple[float, ...]:
        """What null.psi_threshold needs for `n` values in groups of `group_size`."""
        return tuple(self._variance(alike, n, group_size) for alike in self.within_query)

    def ks_variance(self, n: int, group_size: float) -> float:
        """What null.ks_threshold needs."""
        return self._variance(self.within_query_ks, n, group_size)

    def _variance(self, alike: float, n: int, group_size: float) -> float:
        """1/n + 1/m, each with its design effect 1 + (group size - 1) x likeness (Kish, "Survey Sampling", 1965)."""
        return (1 + (group_size - 1) * alike) / n + (1 + (self.group_size - 1) * alike) / self.sketch.n


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A stored baseline. "spread" is missing where no query had two documents."""

    origin: Origin
    queries: int
    quantities: Mapping[Quantity, QuantityReference]

    def differences(self, *, model: str, revision: str, score_type: str) -> tuple[str, ...]:
        """A sentence for each of these that is not the reference's own; empty where all agree.

        A reference of bare scores may not know its revision; every revision is then as good as its own.
        """
        own, found = self.origin, []
        for name, wanted, here in (
            ("model", own.model, model),
            ("revision", own.revision or revision, revision),
            ("score type", own.score_type, score_type),
        ):
            if wanted != here:
                found.append(f"the reference was made with {name} {wanted!r}, and the scores come from {here!r}")
        return tuple(found)


def make_reference(queries: Iterable[Sequence[float]], origin: Origin) -> Reference:
    """A reference from the scores of each query. Queries without scores are passed over.

    Raises InputError for fewer than 50 queries, for scores that are all the same, and for scores that `origin.score_type` cannot have.
    """
    measured = [cells for scores in queries if (cells := measure(scores, origin.score_type))]
    if len(measured) < LEAST_QUERIES:
        raise InputError(f"a reference needs the scores of {LEAST_QUERIES} queries (better some hundreds), and here are {len(measured)}")
    tally = Tally(origin.score_type)
    for cells in measured:
        tally.add(cells)
    if np.count_nonzero(tally.sketches["score"].counts) < 2:
        raise InputError("all scores are the same, which no later ones can be compared with; are these the scores of a reranker?")
    quantities = {name: _quantity(name, tally, [one["score"] for one in measured]) for name, sketch in tally.sketches.items() if sketch.n}
    return Reference(origin=origin, queries=tally.queries, quantities=quantities)


def _quantity(name: Quantity, tally: Tally, scores: Sequence[Cells]) -> QuantityReference:
    sketch = tally.sketches[name]
    borders = equal_mass_borders(sketch.counts)
    group_size = tally.group_size(name)
    if name != "score" or group_size <= 1 or not borders:
        return QuantityReference(sketch=sketch, borders=borders, within_query=(0.0,) * len(borders))
    alike, alike_ks = _likeness(scores, borders, group_size)
    return QuantityReference(sketch=sketch, borders=borders, group_size=group_size, within_query=alike, within_query_ks=alike_ks)


def _likeness(scores: Sequence[Cells], borders: tuple[int, ...], group_size: float) -> tuple[tuple[float, ...], float]:
    """Rao and Scott's generalised design effects, freed from this sample's group size; and the largest one of the cumulative shares."""
    counts = _by_query(scores, borders)  # (queries, bins)
    sizes = counts.sum(axis=1, keepdims=True)
    total = float(sizes.sum())
    shares = counts.sum(axis=0) / total
    residuals = counts - sizes * shares
    scale = 1 / np.sqrt(shares)
    effects = np.linalg.eigvalsh(scale[:, None] * (residuals.T @ residuals / total) * scale)[1:]  # the first is 0: shares sum to 1
    running = np.cumsum(residuals, axis=1)[:, :-1]
    below = np.cumsum(shares)[:-1]
    effect_ks = float(((running**2).sum(axis=0) / total / (below * (1 - below))).max())
    alike = np.clip((effects - 1) / (group_size - 1), 0.0, 1.0)  # below 0 by chance, or because ranks repel: taken as independent
    return tuple(float(one) for one in alike), min(max((effect_ks - 1) / (group_size - 1), 0.0), 1.0)


def _by_query(scores: Sequence[Cells], borders: tuple[int, ...]) -> NDArray[np.float64]:
    """(queries, bins): how many scores of each query lie in each of PSI's bins."""
    bins = len(borders) + 1
    places = np.searchsorted(borders, np.concatenate(scores), side="left")
    rows = np.repeat(np.arange(len(scores)), [one.size for one in scores])
    flat = np.bincount(rows * bins + places, minlength=len(scores) * bins)
    return cast("NDArray[np.float64]", flat.reshape(len(scores), bins).astype(np.float64))
