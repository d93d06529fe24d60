"""Rows that are the same are computed once: identical documents in a request, overlapping answers of several retrievers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .tokenise import PairIds

__all__ = ["Distinct", "distinct"]


@dataclass(frozen=True, slots=True)
class Distinct:
    """Different rows in the order of their first occurrence, and where each given row is among them."""

    rows: tuple[PairIds, ...]
    places: NDArray[np.int64]  # (given rows,) positions in `rows`
    firsts: NDArray[np.int64]  # (rows,) position of each row's first occurrence among those given


def distinct(rows: Sequence[PairIds]) -> Distinct:
    """Compare by token ids and by which of them are the query's: what the model sees, and all it sees."""
    seen: dict[tuple[bytes, bytes], int] = {}
    places = np.empty(len(rows), np.int64)
    firsts: list[int] = []
    for at, row in enumerate(rows):
        place = seen.setdefault((row.ids.tobytes(), row.segments.tobytes()), len(firsts))
        if place == len(firsts):
            firsts.append(at)
        places[at] = place
    return Distinct(tuple(rows[at] for at in firsts), places, np.array(firsts, np.int64))
