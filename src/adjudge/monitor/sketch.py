"""ScoreSketch: how a stream of numbers is distributed, in constant memory, mergeable by addition.

A histogram of 2,048 cells on a scale made for scores (scales.py), 16 KiB. What kept libraries offer was looked at first:

- KLL (Apache DataSketches): its error is random and of the rank, about 1.3 % at 200 entries. Two sketches of the same numbers differ,
  merging depends on the order, and its error would lie on top of the sampling error that the alarm's thresholds are derived from.
- DDSketch: exact merging and a relative error of the value, but relative to 0 alone. 0.999 and 0.9999 fall together, and at the upper
  end a reranker's good scores lie. On log-odds its bins become these cells.
- t-digest: no stated error, and no two merges alike.

Scores are bounded or nearly so, which those sketches do not assume. So fixed cells do: the error is fixed and stated (half a cell),
`a + b` equals the sketch of all numbers together to the last count, in any order, and counts can be taken away again. Whole cells also
serve as the grid on which PSI and KS are computed exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ConfigError, InputError
from .scales import CELLS, Cells, Scale, cells_of, check_scale, value_of

__all__ = ["ScoreSketch"]

_MOST = 2**53  # a count that JSON and float64 carry unharmed


class ScoreSketch:
    """Counts of numbers on one scale. Not locked: whoever shares one between threads locks it."""

    __slots__ = ("_counts", "_n", "scale")

    def __init__(self, scale: Scale = "probability") -> None:
        """Empty. `scale`: "probability" for scores in 0..1, "real" for logits, "positive" for spreads and durations."""
        check_scale(scale)
        self.scale: Scale = scale
        self._counts = np.zeros(CELLS, np.int64)
        self._n = 0

    @property
    def n(self) -> int:
        """How many numbers went in."""
        return self._n

    @property
    def counts(self) -> NDArray[np.int64]:
        """(CELLS,) int64, as they are now; not to be written to."""
        view = self._counts.view()
        view.flags.writeable = False
        return view

    @property
    def nbytes(self) -> int:
        """Bytes of the counts: the same however many numbers went in."""
        return self._counts.nbytes

    def add(self, values: ArrayLike) -> None:
        """Count numbers. Raises InputError, and counts none, where one is NaN, infinite or outside the scale."""
        self.add_cells(cells_of(values, self.scale))

    def add_cells(self, cells: Cells) -> None:
        """Count numbers whose cells are known (scales.cells_of)."""
        self._counts += np.bincount(cells.ravel(), minlength=CELLS)
        self._n += cells.size

    def merge(self, other: ScoreSketch) -> None:
        """Count all that `other` has counted. Raises ConfigError where the scales differ."""
        if other.scale != self.scale:
            raise ConfigError(f"a sketch on the {self.scale} scale cannot take in one on the {other.scale} scale")
        self._counts += other._counts
        self._n += other._n

    def quantile(self, share: float) -> float | None:
        """The number that `share` (0 to 1) of all do not exceed, to within half a cell; None where nothing was counted."""
        if not 0 <= share <= 1:
            raise ConfigError(f"share must be between 0 and 1, not {share!r}")
        if self._n == 0:
            return None
        rank = max(1, math.ceil(share * self._n))
        return value_of(int(np.searchsorted(np.cumsum(self._counts), rank)), self.scale)

    def __add__(self, other: ScoreSketch) -> ScoreSketch:
        return ScoreSketch.merged([self, other], self.scale)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ScoreSketch):
            return NotImplemented
        return self.scale == other.scale and bool((self._counts == other._counts).all())

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"ScoreSketch({self.scale!r}, n={self.n}, median={self.quantile(0.5)})"

    @classmethod
    def merged(cls, sketches: Iterable[ScoreSketch], scale: Scale) -> ScoreSketch:
        """One sketch of all that several have counted."""
        whole = cls(scale)
        for sketch in sketches:
            whole.merge(sketch)
        return whole

    def fields(self) -> dict[str, Any]:
        """For JSON: the counts from the first cell that holds any to the last."""
        held = np.flatnonzero(self._counts)
        first, last = (int(held[0]), int(held[-1])) if held.size else (0, -1)
        return {"scale": self.scale, "first_cell": first, "counts": self._counts[first : last + 1].tolist()}

    @classmethod
    def from_fields(cls, stored: Mapping[str, Any]) -> ScoreSketch:
        """What fields() gave, read again. Raises InputError or ConfigError for anything else."""
        first, counts = stored.get("first_cell"), stored.get("counts")
        scale = stored.get("scale")
        if not isinstance(scale, str):
            raise InputError(f"scale must be a name, not {scale!r}")
        if type(first) is not int or not isinstance(counts, list) or not 0 <= first <= first + len(counts) <= CELLS:
            raise InputError(f"first_cell and counts must describe cells from 0 to {CELLS - 1}")
        if not all(type(count) is int and 0 <= count <= _MOST for count in counts):
            raise InputError("counts must be whole numbers of 0 or more")
        if sum(counts) > _MOST:
            raise InputError(f"counts must add up to {_MOST} at most, not {sum(counts)}")
        sketch = cls(scale)  # type: ignore[arg-type]  # anything else is a ConfigError
        sketch._counts[first : first + len(counts)] = counts
        sketch._n = sum(counts)
        return sketch
