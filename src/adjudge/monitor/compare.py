"""Now against the reference, a quantity at a time: PSI and KS, and what either may come to before it counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .divergence import in_bins, ks_distance, psi
from .null import ks_threshold, psi_threshold
from .quantities import Quantity, Tally
from .reference import Reference

__all__ = ["Comparison", "Limits", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a distance counts: where chance exceeds it less often than `chance`, and it is not too small to matter."""

    chance: float  # of exceeding it though nothing changed, for one distance of one quantity looked at once
    least_psi: float
    least_ks: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One quantity of some queries against the reference."""

    quantity: Quantity
    queries: int  # that were looked at together
    values: int  # that they brought
    psi: float
    psi_threshold: float
    ks: float
    ks_threshold: float
    median: float
    reference_median: float

    @property
    def exceeded(self) -> bool:
        """Whether either distance is over its threshold."""
        return self.psi > self.psi_threshold or self.ks > self.ks_threshold

    @property
    def excess(self) -> float:
        """The larger of the two distances, each in units of its threshold: above 1, it is exceeded."""
        return max(_times(self.psi, self.psi_threshold), _times(self.ks, self.ks_threshold))

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "exceeded": self.exceeded}


def compare(reference: Reference, tally: Tally, limits: Limits) -> Iterator[Comparison]:
    """Each quantity that both hold."""
    for name, own in reference.quantities.items():
        sketch = tally.sketches[name]
        if not sketch.n:
            continue
        group_size = tally.group_size(name)
        yield Comparison(
            quantity=name,
            queries=tally.queries,
            values=sketch.n,
            psi=psi(own.bins, in_bins(sketch.counts, own.borders)),
            psi_threshold=max(limits.least_psi, psi_threshold(limits.chance, own.psi_weights(sketch.n, group_size))),
            ks=ks_distance(own.sketch.counts, sketch.counts),
            ks_threshold=max(limits.least_ks, ks_threshold(limits.chance, own.ks_variance(sketch.n, group_size))),
            median=sketch.quantile(0.5) or 0.0,
            reference_median=own.sketch.quantile(0.5) or 0.0,
        )


def _times(distance: float, threshold: float) -> float:
    return distance / threshold if threshold else 0.0  # without a least_psi, where a reference's values are all the same: PSI is 0 too
