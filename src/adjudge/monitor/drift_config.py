"""How a DriftMonitor looks, and what it takes for a change."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import ConfigError
from .compare import Limits
from .quantities import QUANTITIES

__all__ = ["DriftConfig"]

_WINDOWS = 2
_DISTANCES = 2  # PSI and KS


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftConfig:
    """Two sliding windows, a short one that is quick and a long one that is sharp, looked at whenever `step_queries` more have come.

    Thresholds follow from `false_alarms`: the probability of any false alarm within `horizon_queries` queries of the reference's own
    distribution. It is divided by the number of looks, quantities, windows and distances (Bonferroni), so it is an upper bound, however
    much the windows overlap; docs/monitoring.md has what was measured.
    """

    step_queries: int = 50
    short_queries: int = 200
    long_queries: int = 1000
    false_alarms: float = 0.01
    horizon_queries: int = 10_000
    least_psi: float = 0.1  # a smaller one is no alarm, however sure: the rule of thumb of credit scoring
    least_ks: float = 0.1  # about what a shift of a normal distribution by a quarter of its deviation gives
    confirmations: int = 2  # looks in a row that must exceed a threshold

    def __post_init__(self) -> None:
        for name in ("step_queries", "short_queries", "long_queries", "horizon_queries", "confirmations"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be a whole number of 1 or more, not {value!r}")
        for name in ("false_alarms", "least_psi", "least_ks"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ConfigError(f"{name} must be a finite number of 0 or more, not {value!r}")
        if not 0 < self.false_alarms <= 1:
            raise ConfigError(f"false_alarms is a probability above 0, at most 1, not {self.false_alarms!r}")
        if self.short_queries % self.step_queries or self.long_queries % self.step_queries or self.short_queries > self.long_queries:
            raise ConfigError(
                f"short_queries={self.short_queries} and long_queries={self.long_queries} must be multiples of "
                f"step_queries={self.step_queries}, and the short window no longer than the long one"
            )
        if self.short_queries < 50:
            raise ConfigError(f"short_queries must be 50 or more, not {self.short_queries}: PSI needs some values in each of its bins")

    @property
    def limits(self) -> Limits:
        """For one distance of one quantity in one window at one look."""
        looks = max(1, self.horizon_queries // self.step_queries)
        chance = min(self.false_alarms / (looks * len(QUANTITIES) * _WINDOWS * _DISTANCES), 0.1)
        return Limits(chance=chance, least_psi=self.least_psi, least_ks=self.least_ks)
