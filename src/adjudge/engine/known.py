"""What need not be computed: rows that stand in a request twice, and rows that a cache remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Floats, Traits
from ..models.model import Model
from .cache import ScoreCache, identity, pair_key
from .distinct import Distinct, distinct
from .tokenise import PairIds

__all__ = ["Answers", "Known", "Looked"]


@dataclass(frozen=True, slots=True)
class Looked:
    """Rows after looking them up: what is left to compute, and what the cache said."""

    asked: list[PairIds]  # different rows that nobody knows
    missing: NDArray[np.int64]  # (asked,) their places among the different rows
    distinct: Distinct
    outputs: Floats  # (different rows, outputs): filled where the cache knew
    keys: list[bytes]  # of the asked rows; empty without a cache


@dataclass(frozen=True, slots=True)
class Answers:
    """For each row as it was given."""

    outputs: Floats  # (rows, outputs)
    padded: NDArray[np.int64]  # (rows,) tokens computed for it, 0 where it was known
    computed: NDArray[np.bool_]  # (rows,)


class Known:
    """Looks rows up and remembers new ones."""

    def __init__(self, cache: ScoreCache | None, model: Model, traits: Traits) -> None:
        """`cache`: None remembers nothing between calls."""
        self._cache = cache
        self._identity = b"" if cache is None else identity(model, traits)

    def look_up(self, rows: Sequence[PairIds], outputs: int) -> Looked:
        """Find what is the same, then what is remembered."""
        found = distinct(rows)
        values = np.empty((len(found.rows), outputs), np.float32)
        if self._cache is None:
            return Looked(list(found.rows), np.arange(len(found.rows)), found, values, [])
        keys = [pair_key(self._identity, row) for row in found.rows]
        remembered = self._cache.get(keys)
        missing = []
        for place, row in enumerate(remembered):
            if row is None or len(row) != outputs:
                missing.append(place)
            else:
                values[place] = row
        return Looked([found.rows[i] for i in missing], np.array(missing, np.int64), found, values, [keys[i] for i in missing])

    def answers(self, looked: Looked, computed: Floats, padded: NDArray[np.int64]) -> Answers:
        """Put together what was known and what was computed, (asked, outputs) and (asked,), and remember the latter."""
        looked.outputs[looked.missing] = computed
        if self._cache is not None and looked.keys:
            self._cache.put(looked.keys, computed)
        places, firsts = looked.distinct.places, looked.distinct.firsts
        spent, was_computed = np.zeros(len(places), np.int64), np.zeros(len(places), np.bool_)
        spent[firsts[looked.missing]] = padded
        was_computed[firsts[looked.missing]] = True
        return Answers(looked.outputs[places], spent, was_computed)
