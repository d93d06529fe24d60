"""What is watched of each query: all its scores, the best one, and how far the ten best spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from reprlib import repr as shown
from typing import Literal, TypeAlias, get_args

import numpy as np

from ..errors import InputError
from ..types import Ranking, ScoreType
from .scales import Cells, Scale, cells_of, numbers_of, scale_of
from .sketch import ScoreSketch

__all__ = ["QUANTITIES", "SPREAD_OF", "Quantity", "Tally", "measure", "quantity_scale", "scores_of"]

Quantity: TypeAlias = Literal["score", "top_score", "spread"]

QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)

SPREAD_OF = 10
"""The spread is the standard deviation of so many best scores: what the threshold "dynamic" looks at."""


def quantity_scale(quantity: Quantity, score_type: ScoreType) -> Scale:
    """Where a quantity is counted."""
    return "positive" if quantity == "spread" else scale_of(score_type)


def scores_of(ranking: Ranking) -> list[float]:
    """Of all documents that were judged, those that a threshold or top_n dropped as well."""
    return [one.score for one in ranking.results] + [one.score for one in ranking.dropped]


def measure(scores: Sequence[float], score_type: ScoreType) -> Mapping[Quantity, Cells]:
    """The cells of one query's quantities; none for an empty query, no spread for one score.

    Raises InputError for a score that is NaN, infinite, or outside 0..1 where `score_type` is not "logit", and for what is no flat list
    of numbers.
    """
    try:
        values = numbers_of(scores)
    except InputError as exc:
        raise InputError(f"the scores of one query must be a list of numbers, not {shown(scores)}") from exc
    if values.ndim != 1:
        raise InputError(f"the scores of one query must be a list of numbers, not {shown(scores)}")
    if not values.size:
        return {}
    scale = scale_of(score_type)
    found: dict[Quantity, Cells] = {"score": cells_of(values, scale)}
    found["top_score"] = found["score"].max(keepdims=True)
    if values.size > 1:
        best = values if values.size <= SPREAD_OF else np.partition(values, -SPREAD_OF)[-SPREAD_OF:]
        found["spread"] = cells_of([best.std()], "positive")
    return found


class Tally:
    """The quantities of some queries, sketched, with what is needed to know how much the scores of one query resemble each other."""

    __slots__ = ("queries", "sketches", "squares")

    def __init__(self, score_type: ScoreType) -> None:
        """Empty."""
        self.sketches: dict[Quantity, ScoreSketch] = {name: ScoreSketch(quantity_scale(name, score_type)) for name in QUANTITIES}
        self.queries = 0
        self.squares = 0  # over all queries, the sum of (scores of the query) squared

    def add(self, cells: Mapping[Quantity, Cells]) -> None:
        """One query, as measure() gave it."""
        for name, found in cells.items():
            self.sketches[name].add_cells(found)
        self.queries += 1
        self.squares += int(cells["score"].size) ** 2

    def merge(self, other: Tally) -> None:
        """All queries of another."""
        for name, sketch in self.sketches.items():
            sketch.merge(other.sketches[name])
        self.queries += other.queries
        self.squares += other.squares

    def group_size(self, quantity: Quantity) -> float:
        """How many values a query brings, as a value sees it: the sum of squares over the sum. 1 for what a query has one of."""
        n = self.sketches["score"].n
        return self.squares / n if quantity == "score" and n else 1.0
