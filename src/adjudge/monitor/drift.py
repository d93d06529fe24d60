"""DriftMonitor: watches the scores of query after query, and says when they no longer come from the reference's distribution."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .compare import Comparison, compare
from .drift_config import DriftConfig
from .quantities import QUANTITIES, Quantity, Tally, measure
from .reference import Reference
from .ring import Ring

__all__ = ["DriftMonitor", "DriftState", "QuantityState"]

logger = logging.getLogger("adjudge.monitor")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityState:
    """One quantity at the last look."""

    short: Comparison
    long: Comparison  # of fewer queries until as many have come
    drifting: bool

    @property
    def worst(self) -> Comparison:
        """That of the two which is further over its threshold, or nearer to it."""
        return max((self.short, self.long), key=lambda one: one.excess)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftState:
    """What is known at the last look."""

    drifting: bool = False
    since: float | None = None  # seconds since 1970; None while nothing drifts
    queries: int = 0  # seen in all
    looks: int = 0
    alarms: int = 0  # how often drifting has begun
    short_queries: int
    long_queries: int
    quantities: Mapping[Quantity, QuantityState]  # empty before the first look

    def fields(self) -> dict[str, Any]:
        """For JSON: of each quantity the worse of its two windows."""
        return {
            "drifting": self.drifting,
            "since": self.since,
            "queries": self.queries,
            "looks": self.looks,
            "alarms": self.alarms,
            "windows": {"short": self.short_queries, "long": self.long_queries},
            "quantities": {
                name: {
                    **one.worst.fields(),
                    "drifting": one.drifting,
                    "windows": {"short": one.short.fields(), "long": one.long.fields()},
                }
                for name, one in self.quantities.items()
            },
        }


class DriftMonitor:
    """Compares two sliding windows of queries with a reference. Safe to share between threads; its memory does not grow (1.3 MB)."""

    def __init__(self, reference: Reference, config: DriftConfig | None = None, *, log: bool = True) -> None:
        """`config`: None for the defaults. `log`: say so when the state changes."""
        self.reference = reference
        self.config = DriftConfig() if config is None else config
        score_type = reference.origin.score_type
        self._ring = Ring(lambda: Tally(score_type), kept=self.config.long_queries // self.config.step_queries)
        self._lock = threading.Lock()
        self._log = log
        self._limits = self.config.limits
        self._over: dict[Quantity, int] = dict.fromkeys(QUANTITIES, 0)  # looks in a row with a threshold exceeded
        self._under: dict[Quantity, int] = dict.fromkeys(QUANTITIES, 0)
        self._queries = 0
        self._state = DriftState(short_queries=self.config.short_queries, long_queries=self.config.long_queries, quantities={})

    def observe(self, scores: Sequence[float]) -> None:
        """All scores that one query's documents got, in any order. A query without documents says nothing.

        Raises InputError for a score that is NaN, infinite, or no probability where the reference's scores are. On a change of state one
        warning is logged (logger "adjudge.monitor"), one line when it is over, and nothing between.
        """
        cells = measure(scores, self.reference.origin.score_type)
        if cells:
            self._take(lambda: self._ring.current.add(cells), 1)

    def observe_tally(self, tally: Tally) -> None:
        """Queries that were tallied elsewhere, in another process, say: as if each had been observed here, but looked at together.

        Raises ConfigError where its scores are on another scale.
        """
        if tally.queries:
            self._take(lambda: self._ring.current.merge(tally), tally.queries)

    def state(self) -> DriftState:
        """What the last look saw, and how many queries have come since the beginning."""
        with self._lock:
            return replace(self._state, queries=self._queries)

    def _take(self, add: Callable[[], None], queries: int) -> None:
        with self._lock:
            add()
            self._queries += queries
            changed = self._look() if self._ring.current.queries >= self.config.step_queries else False
            state = self._state
        if changed and self._log:
            self._tell(state)

    def _look(self) -> bool:
        """Compare both windows; whether the state has changed. Nothing is said before the short window is full."""
        self._ring.turn()
        step = self.config.step_queries
        if self._ring.full * step < self.config.short_queries:
            return False
        short, long = (
            {one.quantity: one for one in compare(self.reference, self._ring.last(size // step), self._limits)}
            for size in (self.config.short_queries, self.config.long_queries)
        )
        quantities = {name: QuantityState(short=short[name], long=long[name], drifting=self._judge(short, long, name)) for name in short}
        was, drifting = self._state.drifting, any(one.drifting for one in quantities.values())
        began = drifting and not was
        self._state = DriftState(
            drifting=drifting,
            since=time.time() if began else self._state.since if drifting else None,
            queries=self._queries,
            looks=self._state.looks + 1,
            alarms=self._state.alarms + began,
            short_queries=self.config.short_queries,
            long_queries=self.config.long_queries,
            quantities=quantities,
        )
        return was != drifting

    def _judge(self, short: Mapping[Quantity, Comparison], long: Mapping[Quantity, Comparison], name: Quantity) -> bool:
        """Begins when exceeded `confirmations` times in a row, ends when not exceeded for as many looks as renew the short window."""
        exceeded = short[name].exceeded or long[name].exceeded
        self._over[name] = self._over[name] + 1 if exceeded else 0
        self._under[name] = 0 if exceeded else self._under[name] + 1
        before = self._state.quantities.get(name)
        if before is not None and before.drifting:
            return self._under[name] < self.config.short_queries // self.config.step_queries
        return self._over[name] >= self.config.confirmations

    def _tell(self, state: DriftState) -> None:
        model = self.reference.origin.model
        if state.drifting:
            logger.warning("the scores of %s have moved away from the reference: %s", model, "; ".join(_reasons(state)))
        else:
            logger.info("the scores of %s are like the reference again, after %d queries in all", model, state.queries)


def _reasons(state: DriftState) -> Iterator[str]:
    for name, one in state.quantities.items():
        if one.drifting:
            worst = one.worst
            yield (
                f"{name.replace('_', ' ')} over {worst.queries:,} queries: PSI {worst.psi:.2f} (alarm above {worst.psi_threshold:.2f}), "
                f"KS {worst.ks:.2f} (above {worst.ks_threshold:.2f}), median {worst.median:.3g} where the reference has "
                f"{worst.reference_median:.3g}"
            )
