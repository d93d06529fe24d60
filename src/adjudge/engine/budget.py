"""What a judge costs on this machine, learnt from what it took, and what a time budget buys."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

__all__ = ["Cost", "Deadline", "Seen", "affordable", "measured"]

Seen: TypeAlias = tuple[int, float]
"""Tokens judged in one call, and the milliseconds it took."""

NEWEST = 0.3
"""How much the newest call weighs in the exponential means: the last five calls make up five sixths of what is believed."""

LEAST_DOUBT = 0.1
"""No clock is better than that on a machine that does other things too."""

MOST_ERROR = 4.0
"""Times that a call may seem off: one that was held up by something else says little about the next."""

STALE_S = 60.0
"""Seconds after which a cost is tried again, also where it says that there is no time for anything.

A machine that was busy when it was asked would be believed slow for ever, because what is not tried cannot be learnt from.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """milliseconds = fixed_ms + ms_per_token x tokens, and how far off that was of late."""

    fixed_ms: float
    ms_per_token: float
    doubt: float = 1.0  # exponential mean of |taken / predicted - 1|; nothing seen yet: it may well take twice as long

    def predict(self, tokens: int) -> float:
        """Milliseconds for one call of so many tokens."""
        return self.fixed_ms + self.ms_per_token * tokens

    def learn(self, tokens: int, milliseconds: float) -> Cost:
        """The cost after one more call was seen: the whole line moves up or down. A call of no tokens teaches nothing."""
        if tokens < 1:
            return self
        expected = self.predict(tokens)
        if expected <= 0:
            return replace(self, ms_per_token=NEWEST * milliseconds / tokens, doubt=1.0)
        off = min(MOST_ERROR, milliseconds / expected - 1)
        moved = 1 + NEWEST * off
        doubt = (1 - NEWEST) * self.doubt + NEWEST * abs(off)
        return replace(self, fixed_ms=moved * self.fixed_ms, ms_per_token=moved * self.ms_per_token, doubt=doubt)


class Deadline:
    """A moment that comes `budget_ms` milliseconds after it was set."""

    def __init__(self, budget_ms: float) -> None:
        """The clock runs from here."""
        self._ends = time.perf_counter() + budget_ms / 1e3

    def left_ms(self) -> float:
        """Milliseconds until then; below 0 when it has passed."""
        return (self._ends - time.perf_counter()) * 1e3


def measured(small: Seen, large: Seen) -> Cost:
    """The line through two calls. Where the larger one was no slower (a noisy clock), all is charged to the tokens of the larger."""
    (few, short), (many, long) = small, large
    if long <= short or many <= few:
        return Cost(fixed_ms=0.0, ms_per_token=long / max(1, many))
    rate = (long - short) / (many - few)
    return Cost(fixed_ms=max(0.0, short - rate * few), ms_per_token=rate)


def affordable(tokens: Sequence[int], cost: Cost, left_ms: float) -> int:
    """How many of the first documents one call should take, so that it ends in time though the estimate is off as it was of late.

    Asked again after each call, it comes ever closer to the end of the budget: with a doubt of 1 the first call is given half of
    what is left, the next half of the rest.
    """
    room = left_ms / (1 + max(LEAST_DOUBT, cost.doubt))
    total = 0
    for count, size in enumerate(tokens):
        total += size
        if cost.predict(total) > room:
            return count
    return len(tokens)
